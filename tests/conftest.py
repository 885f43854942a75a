"""Fixtures and options that every test may ask for."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.postgres", "tests.support.stores", "tests.support.service"]

# Machines are noisy: no example fails for the time it takes.
settings.register_profile("althing", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("althing")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the simulated instances (`tests/federation/test_simulation.py`)."""
    group = parser.getgroup("simulation")
    group.addoption("--seed", type=int, help="Play this one seed of the simulated instances.")
    group.addoption("--seeds", type=int, help="Play that many seeds instead of the usual number.")

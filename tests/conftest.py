"""Fixtures and options that every test may ask for, and the order in which several workers run them."""

import os
from itertools import groupby

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker some of the long modules to begin with, and an equal number of tests in all.

    Workers get the tests in as many equal parts, and take over what others have left: what is long and comes
    last would keep one of them busy alone.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    long = [module for module in modules if any(item.get_closest_marker("slow") for item in module)]
    rest = [item for module in modules if module not in long for item in module]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        begins = [item for module in long[worker::workers] for item in module]
        room = max(0, len(items) * (worker + 1) // workers - len(ordered) - len(begins))
        ordered += begins + rest[:room]
        del rest[:room]
    items[:] = ordered + rest

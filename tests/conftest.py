"""Fixtures that every test may ask for."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.postgres", "tests.support.stores", "tests.support.service"]

# Machines are noisy: no example fails for the time it takes.
settings.register_profile("althing", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("althing")

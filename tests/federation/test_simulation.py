"""Fifty instances, one process: partitions, loss, crashes, old backups, skewed clocks and liars, from a seed.

The code is federation's own; only the network, the clock, the logs and the tables' database are in memory.
`pytest tests/federation/test_simulation.py --seeds 5000` runs more; `--seed N` repeats one.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from governance.signing import ed25519
from tests.support.fed_world import World

IN_CI = 500
SHARE = 25
"""Seeds of one test."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        if one is not None:
            metafunc.parametrize("seed", [range(one, one + 1)], ids=[str(one)])
            return
        count = metafunc.config.getoption("--seeds") or IN_CI
        shares = [range(first, min(first + SHARE, count)) for first in range(0, count, SHARE)]
        metafunc.parametrize("seed", shares, ids=[f"{s.start}-{s.stop - 1}" for s in shares])


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody looks at the same signatures here; whether one is right never changes."""
    monkeypatch.setattr(ed25519, "verify", lru_cache(maxsize=100_000)(ed25519.verify))


@pytest.fixture
def undisturbed() -> Iterator[None]:
    """Lines are not counted (whether they run is known from elsewhere), nor is old garbage looked for.

    The marker `no_cover` of pytest-cov does not reach the workers of xdist.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    sys.settrace(tracer)


@pytest.mark.slow
@pytest.mark.usefixtures("remembered", "undisturbed")
def test_instances_converge(seed: range) -> None:
    for one in seed:
        world = World(one)
        try:
            world.trouble()
            world.heal()
            world.check()
        except Exception as e:
            e.add_note(f"repeat with --seed {one}")
            raise


REPEATED = (1, 2, 12, 15, 21)
"""Seeds that have between them strangers, crashes, old backups, an outage, races and liars."""


def traces() -> list[str]:
    """What happens in small worlds of some seeds."""
    found = []
    for seed in REPEATED:
        world = World(seed, nodes=12)
        world.trouble()
        world.heal()
        found.append(world.trace())
    return found


@pytest.mark.usefixtures("undisturbed")
def test_a_seed_repeats_exactly() -> None:
    """In this process, and in others where sets of strings have another order."""
    here = traces()
    assert traces() == here
    assert len(set(here)) == len(REPEATED)
    script = "from tests.federation.test_simulation import traces; print(*traces())"
    for order in ("0", "1"):
        said = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": order},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.split() == here

"""Fifty instances, one process: partitions, loss, failing disks, skewed clocks and a liar, from a seed.

The code is federation's own; only the network, the clock, the logs and the tables' database are in memory.
`pytest tests/federation/test_simulation.py --seeds 5000` runs more; `--seed N` repeats one.
"""

from __future__ import annotations

import pytest

from tests.support.fed_world import World

IN_CI = 40
SHARES = 20


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        if one is not None:
            metafunc.parametrize("seed", [range(one, one + 1)], ids=[str(one)])
            return
        count = metafunc.config.getoption("--seeds") or IN_CI
        shares = [range(first, count, SHARES) for first in range(min(SHARES, count))]
        metafunc.parametrize("seed", shares, ids=[f"{s.start}-of-{count}" for s in shares])


@pytest.mark.slow
def test_instances_converge(seed: range) -> None:
    for one in seed:
        world = World(one)
        try:
            world.trouble()
            world.heal()
            world.check()
        except AssertionError as e:
            raise AssertionError(f"seed {one}: {e} (repeat with --seed {one})") from e


def test_a_seed_repeats_exactly() -> None:
    traces = []
    for _ in range(2):
        world = World(7, nodes=8)
        world.trouble()
        world.heal()
        traces.append((world.network.asked, world.heads()))
    assert traces[0] == traces[1]

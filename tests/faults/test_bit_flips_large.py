"""A ballot of 200,000 votes with one flipped bit in each kind of file: found, and named, in seconds."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from governance.audit.run import audit
from governance.audit.structure import Workers
from governance.fetch.directory import Directory
from tests.support.ballots import BALLOT_ORIGIN, log_folder, make_public_dir
from tests.support.memory import failed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

VOTERS, ROUNDS = 2_000, 100
FOLDER = log_folder(BALLOT_ORIGIN)


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        pool.submit(int).result()
        yield pool


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    path = tmp_path_factory.mktemp("large")
    world = make_public_dir(path, VOTERS, rounds=ROUNDS)
    assert world.votes == VOTERS * ROUNDS
    return path


@pytest.fixture
def flip(public):
    """Flips a bit of a file at a share of its length; every file is put back afterwards."""
    kept = {}

    def turn(name, share=0.5):
        path = public / name
        kept[path] = path.read_bytes()
        data = bytearray(kept[path])
        data[int(len(data) * share)] ^= 0x10
        path.write_bytes(bytes(data))

    yield turn
    for path, data in kept.items():
        path.write_bytes(data)


def judge(public, processes):
    return audit(Directory(public), workers=Workers(processes, 6))


def test_the_untouched_log_passes(public, processes):
    verdict = judge(public, processes)
    assert verdict.passed, verdict.failures
    votes = next(c for c in verdict.checks if c.name == "vote signatures")
    assert votes.numbers == {"votes": 200_000, "voters": VOTERS, "replaced": 198_000}


def test_in_an_entry(public, processes, flip):
    name = f"{FOLDER}/tile/entries/555"
    flip(name)
    checks = failed(judge(public, processes))
    assert 555 * 256 <= checks["tree"].entry < 556 * 256
    assert checks["tree"].file == name
    folding = [check for name, check in checks.items() if name not in ("tree", "tiles")]
    assert [check.entry for check in folding] == [checks["tree"].entry]


def test_in_a_tile_of_each_level_and_in_the_published_result(public, processes, flip):
    """Nothing here stops an audit, so one finds them all."""
    blob = next((public / "blobs/sha256").iterdir()).relative_to(public).as_posix()
    flip(f"{FOLDER}/tile/1/002")
    flip(f"{FOLDER}/outcome.json")
    flip(blob)
    checks = failed(judge(public, processes))
    assert set(checks) == {"tiles", "count", "blobs"}
    assert checks["tiles"].file == f"{FOLDER}/tile/1/002"
    assert checks["count"].file == blob
    assert checks["blobs"].file == blob


def test_in_a_leaf_tile(public, processes, flip):
    flip(f"{FOLDER}/tile/0/700")
    checks = failed(judge(public, processes))
    assert set(checks) == {"tiles"}
    assert (checks["tiles"].entry, checks["tiles"].file) == (700 * 256 + 128, f"{FOLDER}/tile/0/700")


def test_in_the_checkpoint(public, processes, flip):
    flip(f"{FOLDER}/checkpoint")
    assert failed(judge(public, processes))["checkpoint"].file == f"{FOLDER}/checkpoint"

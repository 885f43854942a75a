"""One code path for inline, local processes and Dask: the same verdict, whatever a worker finds."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context

import pytest

from governance.audit.run import audit
from governance.audit.shards import Shard, in_order, judge, left
from governance.audit.structure import Workers
from governance.log.tiles import encode_bundle
from tests.support.ballots import BALLOT_ORIGIN, log_folder, make_world
from tests.support.memory import MemoryFiles


@cache
def published():
    return make_world(1_200, rounds=2).files()


def flipped():
    path = f"{log_folder(BALLOT_ORIGIN)}/tile/entries/003"
    data = bytearray(published()[path])
    data[5_000] ^= 4
    return published() | {path: bytes(data)}


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        yield pool


@pytest.mark.parametrize("files", [published, flipped], ids=["honest", "flipped"])
def test_processes_give_the_same_verdict(files, processes):
    inline = audit(MemoryFiles(files()))
    assert inline.passed == (files is published)
    assert audit(MemoryFiles(files()), workers=Workers(processes, 3)) == inline


@pytest.mark.filterwarnings("default")
def test_dask_gives_the_same_verdict():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = Workers(client.get_executor(pure=False), 4)
        for files in (published(), flipped()):
            assert audit(MemoryFiles(files), workers=workers) == audit(MemoryFiles(files))


def shards(count):
    bundles = [encode_bundle([b"%d" % i] * 256) for i in range(count)]
    return [Shard(256 * i, (256,), (data,), b"", 10**9) for i, data in enumerate(bundles)]


def test_results_come_in_order_and_few_wait():
    begun = []

    def counted():
        for shard in shards(40):
            begun.append(shard.first)
            yield Shard(shard.first, shard.widths, shard.bundles, None, 0)

    with ThreadPoolExecutor(4) as pool:
        for got, (shard, judged) in enumerate(in_order(counted(), pool, 5)):
            assert shard.first == 256 * got
            assert judged.leaves == judge(shard).leaves
            assert len(begun) <= got + 7


def test_a_bundle_that_cannot_be_cut_is_named():
    good, bad = encode_bundle([b"a", b"b"]), encode_bundle([b"a"])
    judged = judge(Shard(0, (2, 2), (good, bad), b"", 10))
    assert judged.broken is not None
    assert judged.broken[:2] == (1, 1)
    assert len(judged.leaves) == 1


def test_hostile_entries_are_left_to_the_fold():
    entries = [b"", b"{}", b"\xff", b"[" * 5000, published()[f"{log_folder(BALLOT_ORIGIN)}/checkpoint"]]
    for definition in (None, b"", b"{}", entries[4]):
        shard = Shard(0, (5,), (encode_bundle(entries),), definition, 0)
        judged = judge(shard)
        assert [(rest.index, rest.data) for rest in left(shard, judged)] == list(enumerate(entries))
        assert not judged.votes.voters

"""Pulling: what is copied is what its log signed, entry by entry; what is not changes nothing."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from federation import copy_rows, seen
from governance.errors import GovernanceError, StorageUnavailable
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.merkle import leaf_hash
from governance.log.tiles import encode_bundle, parse_bundle
from governance.signing.note import Ed25519Verifier
from tests.support.fed_nodes import MemoryLog
from tests.support.mirrors import Pair, pair, public_log

SPACE = "logs/spaces/nix"
SIZES = (1, 2, 255, 256, 257, 300, 511, 512, 767, 1000)


def space_of(two: Pair) -> MemoryLog:
    return two.them.own.logs["them.example/spaces/nix"]


def entries(first: int, end: int) -> list[bytes]:
    return [b"entry %d" % i * (1 + i % 3) for i in range(first, end)]


def grow(log: MemoryLog, size: int) -> None:
    log.append(*entries(log.size, size))


def copied(two: Pair, folder: str) -> dict[str, bytes]:
    return {path: data for path, data in two.files().items() if path.startswith(folder)}


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_has_exactly_the_files_of_the_original(size: int) -> None:
    two = pair()
    log = space_of(two)
    grow(log, size)
    two.pull()
    assert copied(two, SPACE) == public_log(log, SPACE)
    assert copied(two, "logs/instance") == public_log(two.them.own.instance_log, "logs/instance")
    assert two.files()[".well-known/althing.json"] == two.them.own.document().data
    row = two.copy(log)
    assert (row.size, row.root) == (size, log.root())


def test_a_copy_follows_through_every_size() -> None:
    two = pair()
    log = space_of(two)
    for size in SIZES:
        grow(log, size)
        two.later()
        two.pull()
        assert copied(two, SPACE) == public_log(log, SPACE), size


def test_an_empty_log_is_copied() -> None:
    two = pair()
    log = space_of(two)
    log.entries.clear()
    log.leaves.clear()
    two.pull()
    assert copied(two, SPACE) == public_log(log, SPACE)
    assert two.copy(log).cosigned


def test_a_ballot_is_found_through_its_space() -> None:
    two = pair()
    ballot = two.them.own.add_ballot("nix", "2026-q1")
    two.pull()
    folder = f"{SPACE}/ballots/2026-q1"
    assert copied(two, folder) == public_log(ballot, folder)


@pytest.mark.parametrize("post_quantum", [False, True])
def test_what_is_copied_is_cosigned_and_brought_back(post_quantum: bool) -> None:
    two = pair(post_quantum=post_quantum)
    log = space_of(two)
    two.pull()
    verifiers = [verifier_for(c.key) for c in (*two.us.node.keys.mirror, *two.us.node.keys.witness)]
    for note in (two.copy(log).cosigned, two.them.own.notes[log.origin][log.size]):
        opened = open_cosigned(note, [Ed25519Verifier(log.signer.key)], verifiers)
        assert {c.key for c in opened.cosignatures} == {v.key for v in verifiers}
        assert {c.time for c in opened.cosignatures} == {two.clock.now}
    assert two.copy(log).returned == log.size
    assert two.seen(log).cosigned


def test_what_was_cosigned_is_not_cosigned_again() -> None:
    two = pair()
    two.pull()
    before = two.copy(space_of(two))
    two.later()
    two.pull()
    assert two.copy(space_of(two)).cosigned == before.cosigned


def test_logs_beyond_the_limit_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.mirror_log.LOGS", 3)
    two = pair()
    for name in ("a", "b", "c"):
        two.them.own.add_space(name)
    two.pull()
    with two.us.node.db.read() as conn:
        assert copy_rows.count(conn, two.peer) == 3


def test_only_entries_count_whatever_the_tiles_say() -> None:
    """Tiles that agree with each other and with nothing else never matter."""
    two = pair()
    log = space_of(two)
    grow(log, 767)
    for n in ("000", "001", "002.p/255"):
        two.faults[f"{SPACE}/tile/0/{n}"] = lambda data: bytes(len(data))
    two.faults[f"{SPACE}/tile/1/000.p/2"] = lambda data: bytes(len(data))
    two.pull()
    assert two.copy(log).root == log.root()
    two.faults.clear()
    assert copied(two, SPACE) == public_log(log, SPACE)


@pytest.mark.parametrize("size", [300, 767, 1000])
def test_forged_entries_with_fitting_tiles_are_refused(size: int) -> None:
    """One entry is another than the root was signed over; the tiles are made to fit it."""
    two = pair()
    log = space_of(two)
    grow(log, size)
    forged = MemoryLog(log.origin, b"\1" * 32)
    forged.append(*log.entries[:7], b"forged", *log.entries[8:])
    for path, data in public_log(forged, SPACE).items():
        if "/tile/" in path:
            two.faults[path] = lambda _, data=data: data
    two.pull()
    assert (two.copy(log).size, two.seen(log).size) == (0, 0)
    assert not copied(two, SPACE)
    two.faults.clear()
    two.pull()
    assert copied(two, SPACE) == public_log(log, SPACE)


def longer(data: bytes) -> bytes:
    return data + b"\0"


def fewer(data: bytes) -> bytes:
    return encode_bundle(parse_bundle(data, 256)[:-1])


def more(data: bytes) -> bytes:
    return data + encode_bundle([b"one more"])


def cut(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.parametrize("fault", [longer, fewer, more, cut, lambda _: b"", lambda data: data * 2, None])
@pytest.mark.parametrize("bundle", ["000", "001", "002.p/188"])
def test_a_bundle_that_is_not_exact_changes_nothing(bundle: str, fault: object) -> None:
    two = pair()
    log = space_of(two)
    grow(log, 100)
    two.pull()
    before = two.copy(log)
    grow(log, 700)
    if bundle == "002.p/188" and fault is fewer:
        fault = cut
    two.faults[f"{SPACE}/tile/entries/{bundle}"] = fault  # type: ignore[assignment]
    two.later()
    two.pull()
    after = two.copy(log)
    assert (after.size, after.root, after.cosigned) == (before.size, before.root, before.cosigned)
    assert two.seen(log).size == 100
    two.faults.clear()
    two.later()
    two.pull()
    assert copied(two, SPACE) == public_log(log, SPACE)


def test_a_log_that_outgrew_its_partial_bundle_is_cut_from_the_full_one() -> None:
    two = pair()
    log = space_of(two)
    grow(log, 300)
    old = log.checkpoint()
    expected = public_log(log, SPACE)
    grow(log, 600)
    two.faults[f"{SPACE}/checkpoint"] = lambda _: old
    two.faults[f"{SPACE}/tile/entries/001.p/44"] = None
    two.pull()
    assert two.copy(log).size == 300
    assert copied(two, SPACE) == expected


def test_an_older_head_is_no_news_and_no_error() -> None:
    two = pair()
    log = space_of(two)
    grow(log, 300)
    old = log.checkpoint(200)
    two.pull()
    two.faults[f"{SPACE}/checkpoint"] = lambda _: old
    two.later()
    stale = REGISTRY.get_sample_value("althing_mirror_stale_total") or 0
    two.pull()
    assert REGISTRY.get_sample_value("althing_mirror_stale_total") == stale + 1
    assert (two.copy(log).size, two.seen(log).size, two.seen(log).frozen) == (300, 300, None)
    two.faults.clear()
    assert copied(two, SPACE) == public_log(log, SPACE)


def test_a_log_that_our_witness_knows_to_be_larger_is_looked_at_whatever_was_shown_last() -> None:
    two = pair()
    log = space_of(two)
    two.later(10**6)
    two.pull()
    old = log.checkpoint()
    grow(log, 300)
    with two.us.node.db.write() as conn:
        seen.advance(conn, log.origin, 1, size=300, root=log.root(), note=log.checkpoint(), now=two.clock.now)
    two.faults[f"{SPACE}/checkpoint"] = lambda _: old
    two.later(10**6)
    two.pull()
    assert two.copy(log).size == 1
    two.faults.clear()
    two.later(1)
    two.pull()
    assert two.copy(log).size == 300


@pytest.mark.parametrize(
    "fault", [lambda d: d[:-10], lambda d: d * 3, lambda _: b"", lambda _: b"\xff" * 300_000]
)
def test_a_head_that_cannot_be_read_changes_nothing(fault: object) -> None:
    two = pair()
    two.faults[f"{SPACE}/checkpoint"] = fault  # type: ignore[assignment]
    two.pull()
    assert two.copy(space_of(two)).cosigned == b""


def test_a_head_by_another_key_changes_nothing() -> None:
    two = pair()
    log = space_of(two)
    stranger = MemoryLog(log.origin, b"\7" * 32)
    stranger.append(*log.entries)
    two.faults[f"{SPACE}/checkpoint"] = lambda _: stranger.checkpoint()
    two.faults[f"{SPACE}/vkey"] = lambda _: stranger.file("vkey")
    two.pull()
    assert two.copy(log).cosigned == b""


def test_a_head_of_another_log_with_the_same_key_changes_nothing() -> None:
    two = pair()
    log = space_of(two)
    other = sign_checkpoint(Checkpoint("them.example/other", 1, log.root()), [log.signer])
    two.faults[f"{SPACE}/checkpoint"] = lambda _: other
    two.pull()
    assert two.copy(log).cosigned == b""


def test_a_kill_between_files_and_row_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    two = pair()
    log = space_of(two)
    grow(log, 300)
    two.pull()
    grow(log, 1_000)
    two.later()

    class Killed(BaseException):
        pass

    def killed() -> None:
        raise Killed

    monkeypatch.setattr(two.us.node.copies, "settle", killed)
    with pytest.raises(Killed):
        two.pull()
    monkeypatch.undo()
    assert two.copy(log).size == 300
    grow(log, 1_100)
    asked = len(two.network.asked)
    two.pull()
    assert two.copy(log).size == 1_100
    assert two.copy(log).root == log.root()
    fetched = [url for _, _, url in two.network.asked[asked:] if "/tile/entries/" in url]
    # Bundles 1 and 2 had been stored; they are hashed again, and not fetched again.
    assert [url.rpartition("/entries/")[2] for url in fetched if "/nix/" in url] == ["003", "004.p/76"]


def test_files_of_a_killed_run_that_rotted_are_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    two = pair()
    log = space_of(two)
    grow(log, 600)
    folder = f"{two.peer.removeprefix('sha256:')}/{SPACE}"
    two.us.node.copies.write(f"{folder}/tile/entries/000", encode_bundle([b"rot"] * 256))
    two.pull()
    assert two.copy(log).size == 0
    two.pull()
    assert copied(two, SPACE) == public_log(log, SPACE)


def test_a_long_catch_up_is_several_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.mirror.RUN", 20_000)
    two = pair()
    log = space_of(two)
    grow(log, 5_000)
    runs = 1
    while two.pull() == 1:
        runs += 1
        assert runs < 20
    assert runs > 3
    assert copied(two, SPACE) == public_log(log, SPACE)


def test_a_row_that_the_witness_moves_meanwhile_is_caught_up_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log grows, and its head is cosigned by us, while we fetch; both must agree in the end."""
    two = pair()
    log = space_of(two)
    grow(log, 1_000)
    grow_to = iter((1_001, 1_400, 1_401))
    honest = two.us.node.copies.settle

    def settle() -> None:
        honest()
        with two.us.node.db.read() as conn:
            row = seen.get(conn, log.origin)
        size = next(grow_to, None)
        if row is not None and size is not None:
            grow(log, size)
            with two.us.node.db.write() as conn:
                assert seen.advance(
                    conn, log.origin, row.size, size=size, root=log.root(), note=log.checkpoint(), now=1
                )

    monkeypatch.setattr(two.us.node.copies, "settle", settle)
    two.pull()
    assert two.copy(log).size == log.size
    assert copied(two, SPACE) == public_log(log, SPACE)
    assert two.seen(log).size == log.size


def test_a_head_between_what_we_have_fetched_and_what_our_witness_saw_is_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two = pair()
    log = space_of(two)
    grow(log, 1_000)
    honest = two.us.node.copies.settle

    def settle() -> None:
        honest()
        if f"{SPACE}/checkpoint" not in two.faults and two.files().get(f"{SPACE}/checkpoint"):
            two.faults[f"{SPACE}/checkpoint"] = lambda _: log.checkpoint(700)
            with two.us.node.db.write() as conn:
                seen.advance(
                    conn, log.origin, 0, size=600, root=log.root(600), note=log.checkpoint(600), now=1
                )

    monkeypatch.setattr(two.us.node.copies, "settle", settle)
    two.pull()
    assert (two.copy(log).size, two.copy(log).root) == (700, log.root(700))


def test_a_disk_that_refuses_keeps_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    two = pair()
    log = space_of(two)
    two.pull()
    grow(log, 700)
    two.later()

    def full(path: str, data: bytes) -> None:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(two.us.node.copies, "write", full)
    with pytest.raises(StorageUnavailable):
        two.pull()
    monkeypatch.undo()
    assert two.copy(log).size == 1
    two.pull()
    assert two.copy(log).size == 700


def test_a_peer_that_does_not_answer_is_an_error_to_be_tried_again() -> None:
    two = pair()
    two.network.drop = lambda _sender, host: host == "them.example"
    with pytest.raises(GovernanceError):
        two.pull()


def test_70_000_entries() -> None:
    two = pair()
    log = space_of(two)
    log.append(*(b"%d" % i for i in range(log.size, 70_000)))
    two.pull()
    row = two.copy(log)
    assert (row.size, row.root) == (70_000, log.root())
    files = copied(two, SPACE)
    assert len(files) == 2 + 2 * 274 + 2 + 1
    assert files[f"{SPACE}/tile/2/000.p/1"] == log.file("tile/2/000.p/1")
    assert files[f"{SPACE}/tile/0/273.p/112"] == b"".join(leaf_hash(b"%d" % i) for i in range(69_888, 70_000))

"""A log that shows two histories: evidence, a frozen row, nothing stored, nobody honest accused."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from federation import copy_rows, evidence, mirror_log, seen
from federation.seen import SeenRow
from federation.tables import errands
from governance.log.evidence import parse_evidence, verify_evidence
from tests.support.fed_nodes import MemoryLog
from tests.support.mirrors import Pair, pair, public_log

SPACE = "logs/spaces/nix"


def proofs(two: Pair) -> list[evidence.Found]:
    with two.us.node.db.read() as conn:
        return evidence.listed(conn)


def forked(two: Pair, old: int, common: int, new: int) -> tuple[MemoryLog, MemoryLog]:
    """The log at size old, and another one of its key that shares `common` entries and has `new`."""
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(*(b"entry %d" % i for i in range(log.size, old)))
    other = MemoryLog(log.origin, two.them.own._seed(log.origin))
    other.append(*log.entries[:common], *(b"other %d" % i for i in range(common, new)))
    return log, other


def show(two: Pair, log: MemoryLog, other: MemoryLog) -> None:
    """From now on they show the other one."""
    two.them.own.logs[log.origin] = other


@pytest.mark.parametrize(
    ("old", "common", "new"),
    [(2, 1, 2), (2, 1, 3), (300, 299, 300), (300, 0, 301), (256, 255, 1_000), (767, 300, 1_000)],
)
def test_a_second_history_of_a_copied_log_is_evidence(old: int, common: int, new: int) -> None:
    two = pair()
    log, other = forked(two, old, common, new)
    two.pull()
    before = two.copy(log)
    files = {path: data for path, data in two.files().items() if path.startswith(SPACE)}
    show(two, log, other)
    two.later()
    two.pull()
    (found,) = proofs(two)
    finding = verify_evidence(parse_evidence(found.data))
    assert finding.origin == log.origin
    assert {old, new} == set(finding.sizes)
    assert two.seen(log).frozen == found.digest
    after = two.copy(log)
    assert (after.size, after.root, after.cosigned) == (before.size, before.root, before.cosigned)
    assert {path: data for path, data in two.files().items() if path.startswith(SPACE)} == files
    assert found.logged or two.us.own.blobs


def test_a_second_history_of_a_log_that_was_only_witnessed_is_evidence() -> None:
    """Our witness has seen one tree; what is pulled is whole and right, and another one."""
    two = pair()
    log, other = forked(two, 300, 10, 700)
    with two.us.node.db.write() as conn:
        seen.learn(conn, SeenRow(log.origin, log.vkey, two.peer))
        assert seen.advance(
            conn, log.origin, 0, size=300, root=log.root(), note=log.checkpoint(), now=two.clock.now
        )
    show(two, log, other)
    two.pull()
    (found,) = proofs(two)
    assert verify_evidence(parse_evidence(found.data)).sizes == (300, 700)
    assert two.copy(log).size == 0
    assert not [path for path in two.files() if path.startswith(SPACE)]


def test_a_frozen_log_is_left_alone_for_ever() -> None:
    two = pair()
    log, other = forked(two, 300, 10, 700)
    two.pull()
    show(two, log, other)
    two.later()
    two.pull()
    two.them.own.logs[log.origin] = log
    log.append(b"honest again")
    two.later(100_000)
    two.pull()
    assert two.copy(log).size == 300
    assert len(proofs(two)) == 1


def test_a_frozen_instance_log_is_not_fetched() -> None:
    two = pair()
    two.pull()
    log = two.them.own.instance_log
    with two.us.node.db.write() as conn:
        seen.freeze(conn, log.origin, "sha256:00")
    two.them.own.add_space("more")
    before = two.files()
    asked = len(two.network.asked)
    two.later()
    two.pull()
    assert two.files() == before
    assert not [url for _, _, url in two.network.asked[asked:] if "/instance/tile/" in url]


def test_a_log_that_is_frozen_after_it_was_counted_is_not_cosigned(monkeypatch: pytest.MonkeyPatch) -> None:
    two = pair()
    log = two.them.own.logs["them.example/spaces/nix"]
    honest = mirror_log.cosign

    def frozen_meanwhile(text: bytes, *rest: Any) -> Any:
        if text.startswith(log.origin.encode() + b"\n"):
            with two.us.node.db.write() as conn:
                seen.freeze(conn, log.origin, "sha256:00")
        return honest(text, *rest)

    monkeypatch.setattr(mirror_log, "cosign", frozen_meanwhile)
    two.pull()
    assert two.copy(log).size == log.size
    assert b"us.example" not in two.copy(log).cosigned
    assert not two.seen(log).cosigned


@pytest.mark.parametrize("tiles", ["honest", "zero", "missing"])
def test_wrong_entries_of_an_honest_log_are_no_evidence(tiles: str) -> None:
    two = pair()
    log, other = forked(two, 300, 10, 700)
    two.pull()
    log.append(*(b"entry %d" % i for i in range(300, 700)))
    for path in public_log(log, SPACE):
        name = path.removeprefix(f"{SPACE}/")
        if "/tile/entries/" in path:
            two.faults[path] = lambda _, name=name: other.file(name)
        elif "/tile/" in path and tiles != "honest":
            two.faults[path] = None if tiles == "missing" else lambda data: bytes(len(data))
    two.later()
    two.pull()
    assert not proofs(two)
    assert two.seen(log).frozen is None
    assert two.copy(log).size == 300
    two.faults.clear()
    two.later()
    two.pull()
    assert two.copy(log).size == 700


@pytest.mark.parametrize("size", [200, 300])
def test_the_cosigned_file_gives_a_second_history_away(size: int) -> None:
    two = pair()
    log, other = forked(two, 300, 10, size)
    two.faults[f"{SPACE}/cosigned"] = lambda _: other.checkpoint()
    two.them.own.notes[log.origin] = {}
    honest = two.them.own.file
    two.them.own.file = lambda path: (  # type: ignore[method-assign]
        other.checkpoint() if path == f"{SPACE}/cosigned" else honest(path)
    )
    two.pull()
    (found,) = proofs(two)
    assert verify_evidence(parse_evidence(found.data)).sizes == (size, 300)
    assert two.seen(log).frozen == found.digest


def test_all_peers_are_told() -> None:
    from federation.queue import plan

    two = pair()
    plan(two.us.node, {two.peer: {"tell"}})
    with two.us.node.db.write() as conn:
        conn.execute(sa.update(errands).values(due_at=two.clock.now + 10**6))
    log, other = forked(two, 300, 10, 700)
    two.pull()
    show(two, log, other)
    two.later()
    two.pull()
    with two.us.node.db.read() as conn:
        assert conn.scalar(sa.select(errands.c.due_at)) == two.clock.now


def test_the_row_of_another_instance_is_not_taken_over() -> None:
    """A peer that names somebody else's log, or one outside its own place, does not get it copied."""
    from governance.service.instance import signed
    from governance.statements.instance import SpaceNotice

    two = pair()
    stolen = "them.example/spaces/stolen"
    with two.us.node.db.write() as conn:
        seen.learn(conn, SeenRow(stolen, "victim.example+00000000+AQ==", "sha256:" + "0" * 64))
    own = two.them.own
    mine = own.new_log("spaces/stolen")
    outside = MemoryLog("victim.example/spaces/nix", b"\3" * 32)
    for space, log in (("stolen", mine), ("nix", outside), ("other", mine)):
        notice = SpaceNotice(space, log.origin, log.vkey, two.clock.now)
        own.instance_log.append(signed(notice, own.service_key).data)
    two.pull()
    with two.us.node.db.read() as conn:
        row = seen.get(conn, stolen)
        assert isinstance(row, SeenRow)
        assert row.peer != two.peer
        assert seen.get(conn, outside.origin) is None
        assert copy_rows.get(conn, stolen) is None
    assert not [path for path in two.files() if "stolen" in path]

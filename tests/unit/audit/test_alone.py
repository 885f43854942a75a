"""One log's directory by itself: judged as far as it goes, the rest is named as skipped."""

from functools import cache

import pytest

from governance.audit.alone import audit_log
from governance.statements.closing import Close
from tests.support.ballots import (
    BALLOT_ORIGIN,
    CLOSES,
    INSTANCE_ORIGIN,
    OPENS,
    SPACE_ORIGIN,
    log_folder,
    make_world,
    undecide,
)
from tests.support.memory import MemoryFiles, failed
from tests.support.voters import entry_bytes, vote_by


@cache
def published():
    return make_world(300).files()


def one(files, origin):
    folder = log_folder(origin) + "/"
    return {
        path.removeprefix(folder): data
        for path, data in files.items()
        if path.startswith(folder) and not (origin == SPACE_ORIGIN and "/ballots/" in path)
    }


def by_status(verdict, status):
    return [check.name for check in verdict.checks if check.status == status]


def test_a_ballot():
    verdict = audit_log(MemoryFiles(one(published(), BALLOT_ORIGIN)))
    assert verdict.passed
    assert by_status(verdict, "skipped") == ["identity", "authority", "entitlement", "publication"]
    assert {"count", "lot", "outcome", "vote signatures", "tree"} <= set(by_status(verdict, "passed"))
    assert verdict.instance is None


@pytest.mark.parametrize("origin", [INSTANCE_ORIGIN, SPACE_ORIGIN])
def test_an_instance_and_a_space(origin):
    verdict = audit_log(MemoryFiles(one(published(), origin)))
    assert verdict.passed
    assert "tree" in by_status(verdict, "passed")


def test_a_ballot_without_its_outcome_file():
    files = one(published(), BALLOT_ORIGIN)
    del files["outcome.json"]
    assert audit_log(MemoryFiles(files)).passed


@pytest.mark.parametrize("begins", ["outcome", "vkey", "checkpoint", "tile/0/000", "tile/entries/001"])
def test_a_flipped_bit(begins):
    files = one(published(), BALLOT_ORIGIN)
    path = next(p for p in files if p.startswith(begins))
    data = bytearray(files[path])
    data[len(data) // 2] ^= 1
    verdict = audit_log(MemoryFiles(files | {path: bytes(data)}))
    assert not verdict.passed
    assert any(check.file == path or check.entry is not None for check in verdict.failures)


def test_a_stale_partial_tile():
    files = one(published(), BALLOT_ORIGIN)
    full = files["tile/0/000"]
    assert audit_log(MemoryFiles(files | {"tile/0/000.p/9": full[: 9 * 32]})).passed
    verdict = audit_log(MemoryFiles(files | {"tile/0/000.p/9": full[32 : 10 * 32]}))
    assert failed(verdict)["files"].file == "tile/0/000.p/9"


def test_a_vote_after_the_close_is_found_here_too():
    world = make_world(5)
    undecide(world)
    close = Close(BALLOT_ORIGIN, world.definition, 5, None, CLOSES)
    world.ballot += [
        entry_bytes(close, world.service),
        vote_by(world.voter(1), world.order, ["o1"], OPENS + 99),
    ]
    verdict = audit_log(MemoryFiles(one(world.files(), BALLOT_ORIGIN)))
    assert failed(verdict)["deadline"].entry == len(world.ballot) - 1


def test_nothing_readable():
    assert not audit_log(MemoryFiles({})).passed
    assert not audit_log(MemoryFiles({"vkey": b"\xff", "checkpoint": b""})).passed
    assert not audit_log(MemoryFiles({"vkey": b"a\n", "checkpoint": b""})).passed

"""A stolen log key: the operator goes on under a new one, and mirrors, witnesses and the guard go along."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from pathlib import Path
from unittest import mock

import httpx
import pytest
import sqlalchemy as sa

from federation import copy_rows, evidence, guard, mirror, restore, seen, witness
from federation.endpoints import Request, Route
from federation.mirror_files import CopyFiles
from federation.mirror_log import catch_up
from federation.mirror_tree import Budget
from federation.node import Node
from federation.remote import PeerFiles
from federation.seen import SeenRow
from federation.tables import copies
from federation.tables import seen as table
from governance.audit.run import audit
from governance.errors import BadProof, IntegrityFault, NotFound
from governance.log.evidence import parse_evidence, verify_evidence
from governance.service import lifecycle
from governance.service.log_keys import LogKeys
from governance.store import entries, rebuild
from tests.support.fed_home import Home
from tests.support.fed_nodes import MemoryLog, SimNode, _Wire
from tests.support.fed_service import HOST, Real, befriend, mirror_at, run
from tests.support.people import key, recorded

BALLOT = f"{HOST}/spaces/nix/ballots/q1"
SPACE = f"{HOST}/spaces/nix"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)


def together(home: Home, us: Real, other: SimNode, rounds: int = 6) -> None:
    run(home.clock, us.node, other.node, rounds=rounds)


def burn(home: Home, log: str, *more: str) -> str:
    with mock.patch("federation.running.egress.transport", return_value=_Wire(home.network, HOST)):
        return home.fine("succeed", log, "--data", str(home.data), "--reason", "stolen", "--yes", *more)


def cast(home: Home, us: Real, voter: int, answer: str) -> int:
    us.running.community.now = home.clock.now
    return int(recorded(us.running.community.cast(key(voter), [answer])).json()["index"])


def held(other: SimNode, origin: str) -> copy_rows.CopyRow:
    """What they have copied of a log of ours."""
    with other.node.db.read() as conn:
        row = copy_rows.get(conn, origin)
    assert row is not None
    return row


def no_fork(_node: Node, row: SeenRow, _note: bytes) -> None:
    raise AssertionError(f"{row.origin} was accused")


def test_a_mirror_goes_along_and_its_copy_passes_an_audit(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    with home.up() as us:
        befriend(us, other)
        cast(home, us, 100, "a")
        lost = cast(home, us, 101, "b")
        together(home, us, other)
        instance = us.instance
        assert held(other, BALLOT).size == lost + 1
    said = burn(home, BALLOT, "--from", str(lost))
    assert "1 do not count any more" in said
    assert f"{lost}  vote  sha256:" in said
    with home.up() as us:
        guard.confirm(us.service, us.node)
        assert cast(home, us, 101, "a") == lost
        together(home, us, other)
        assert held(other, f"{BALLOT}.2").size == lost + 1
        assert held(other, BALLOT).size == lost + 1
        home.clock.now += 86_400
        lifecycle.tick(us.service, home.clock.now)
        together(home, us, other)
        assert us.running.client.get("/api/v1/spaces/nix/ballots/q1").json()["winners"] == {"q": ["a"]}
        assert us.running.client.get("/api/v1/spaces/nix/ballots/q1").json()["cosigners"]
    verdict = audit(CopyFiles(other.node, instance))
    assert verdict.passed, verdict.failures
    (told,) = [c for c in verdict.checks if (c.log, c.name) == (BALLOT, "succession")]
    assert told.numbers == {"entries": lost, "dropped": 1}


class Thief:
    """Answers in our place, with another history of the ballot under our own key."""

    def __init__(self, us: Real, common: int, *more: bytes) -> None:
        self._us = us
        store = us.service.store
        with store.read() as conn:
            head = entries.head(conn, BALLOT)
        kept = list(entries.stream_entries(store, head.id, 0, common))
        seed = json.loads(LogKeys(us.running.data).path(BALLOT).read_bytes())["seed"]
        self.log = MemoryLog(BALLOT, b64decode(seed))
        self.log.append(*kept, *more)

    def respond(self, request: Request, routes: tuple[Route, ...], sender: str = "") -> httpx.Response:
        path = request.path.removeprefix("/logs/spaces/nix/ballots/q1/")
        if path == request.path:
            return self._us.respond(request, routes, sender)
        try:
            return httpx.Response(200, content=self.log.file(path))
        except NotFound:
            return httpx.Response(404)


def robbed(home: Home, other: SimNode) -> int:
    """The peer has copied a thief's entry in the place of our last vote; gives its index."""
    with home.up() as us:
        befriend(us, other)
        cast(home, us, 100, "a")
        together(home, us, other)
        last = cast(home, us, 101, "b")
        home.network.nodes[HOST] = Thief(us, last, b"stolen")  # type: ignore[assignment]
        home.clock.now += 4_000
        mirror.pull(other.node, us.instance)
        assert held(other, BALLOT).size == last + 1
    return last


def test_a_thief_stops_an_instance_until_its_log_goes_on(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    last = robbed(home, other)
    with home.up() as us, pytest.raises(IntegrityFault, match="not of the log that is here"):
        guard.confirm(us.service, us.node)
    burn(home, BALLOT, "--from", str(last))
    with home.up() as us:
        assert guard.confirm(us.service, us.node)
        assert cast(home, us, 101, "c") == last
        together(home, us, other)
        assert held(other, f"{BALLOT}.2").size == last + 1
        assert held(other, BALLOT).size == last + 1


def test_a_copy_with_other_entries_refuses_until_the_fork_is_proven(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    last = robbed(home, other)
    burn(home, BALLOT)
    with home.up() as us:
        assert guard.confirm(us.service, us.node)
        files = PeerFiles(other.node, f"https://{HOST}")
        catch_up(other.node, files, f"{HOST}/instance", Budget(10**9))
        with pytest.raises(BadProof, match="does not go on from the entries"):
            catch_up(other.node, files, f"{BALLOT}.2", Budget(10**9))
        asked = f"old {last + 1}\n\n".encode() + us.node.own.head(f"{BALLOT}.2").checkpoint
        with pytest.raises(BadProof, match="does not go on from the entries"):
            witness.add_checkpoint(other.node, asked, home.clock.now, no_fork)
        assert held(other, f"{BALLOT}.2").size == 0
        together(home, us, other)
        with other.node.db.read() as conn:
            (found,) = evidence.listed(conn)
        assert verify_evidence(parse_evidence(found.data)).origin == BALLOT
        assert held(other, f"{BALLOT}.2").size == last + 1


def test_what_does_not_begin_as_the_root_key_says_is_not_copied(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    with home.up() as us:
        befriend(us, other)
        together(home, us, other)
    burn(home, BALLOT)
    with home.up() as us:
        guard.confirm(us.service, us.node)
        size = cast(home, us, 100, "a")
        node = other.node
        mirror.pull(node, us.instance)
        row = SeenRow(f"{BALLOT}.2", us.node.own.head(f"{BALLOT}.2").vkey, us.instance, size, bytes(32))
        with node.db.write() as conn:
            conn.execute(sa.delete(copies).where(copies.c.origin == row.origin))
            conn.execute(sa.delete(table).where(table.c.origin == row.origin))
            seen.learn(conn, row)
            copy_rows.begin(conn, copy_rows.CopyRow(row.origin, us.instance, "ballot"))
        with pytest.raises(BadProof, match="does not begin with"):
            catch_up(node, PeerFiles(node, f"https://{HOST}"), row.origin, Budget(10**9))
        assert held(other, row.origin).size == 0


def burnt_and_mirrored(home: Home, other: SimNode) -> int:
    """A space and a ballot have gone on, with a vote since; `old.db` is from before; gives the size."""
    with home.up() as us:
        befriend(us, other)
        cast(home, us, 100, "a")
        lost = cast(home, us, 101, "b")
        together(home, us, other)
    shutil.copy(home.data / "althing.db", home.folder / "old.db")
    burn(home, SPACE)
    burn(home, BALLOT, "--from", str(lost))
    with home.up() as us:
        assert guard.confirm(us.service, us.node)
        cast(home, us, 101, "c")
        together(home, us, other)
        assert held(other, f"{BALLOT}.2").size == lost + 1
        assert held(other, f"{SPACE}.2").size
    return lost + 1


def goes_on(home: Home, us: Real) -> None:
    assert rebuild.check(us.service.store) == []
    assert cast(home, us, 100, "c") > 0
    home.clock.now += 86_400
    lifecycle.tick(us.service, home.clock.now)
    seen = us.running.client.get("/api/v1/spaces/nix/ballots/q1").json()
    assert (seen["state"], seen["winners"], seen["voters"]) == ("decided", {"q": ["c"]}, 2)
    verdict = audit(us.node.own.files())
    assert verdict.passed, verdict.failures


def test_a_backup_from_before_the_succession_takes_it_back(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    burnt_and_mirrored(home, other)
    for path in home.data.glob("althing.db*"):
        path.unlink()
    shutil.copy(home.folder / "old.db", home.data / "althing.db")
    with home.up() as us:
        assert guard.confirm(us.service, us.node)
        goes_on(home, us)


def test_a_burnt_log_is_not_written_on_while_its_successor_is_missing(home: Home) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    burnt_and_mirrored(home, other)
    for path in home.data.glob("althing.db*"):
        path.unlink()
    shutil.copy(home.folder / "old.db", home.data / "althing.db")
    with other.node.db.write() as conn:
        conn.execute(sa.delete(copies).where(copies.c.origin == f"{BALLOT}.2"))
    with home.up() as us:
        assert not guard.confirm(us.service, us.node)
        assert us.service.held


def test_everything_comes_back_from_the_public_files(home: Home, tmp_path: Path) -> None:
    other = mirror_at("other.example", home.network, home.clock)
    burnt_and_mirrored(home, other)
    with home.up() as us:
        document = us.service.instance.document
        assert document is not None
        files, fresh = CopyFiles(other.node, us.instance), tmp_path / "fresh"
        shutil.copytree(home.data / "keys", fresh / "keys")
        restore._fill(fresh, None, files, document)
    home.data = fresh
    with home.up() as us:
        assert guard.confirm(us.service, us.node)
        goes_on(home, us)

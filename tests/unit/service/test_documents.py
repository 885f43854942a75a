"""New identity documents of a running instance; and an instance that may not sign anything at the moment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from governance.errors import (
    BadProof,
    BadSignature,
    GovernanceError,
    InvalidStatement,
    SetupFault,
    Unavailable,
)
from governance.hooks import HookCaller, hookimpl
from governance.plugins import load_plugins
from governance.service.core import Options, Service
from governance.service.documents import check_voids
from governance.service.instance import Wanted, finish_rotation, key_of, prepare_rotation, public, signed
from governance.service.log_keys import LogKeys
from governance.signing.keyfile import PrivateKey
from governance.statements.entry import Entry, key_id
from governance.statements.instance import Federation, Revocation, Versions
from governance.store import entries, imports, rebuild
from governance.store.engine import open_store
from governance.store.entries import LogHead
from tests.support.people import API, key, recorded
from tests.support.service import NOW, Running, TestClock, running

DOCUMENTS = f"{API}/instance/documents"


@pytest.fixture(autouse=True)
def nobody_else_renews(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin's own jobs, which renew a new instance's document at once, do not run."""
    monkeypatch.setattr("governance.app._repeat", _never)


async def _never(_job: object) -> None:
    return


def root(live: Running) -> PrivateKey:
    return key_of(live.data, "root", create=False)


def after(live: Running, *keys: PrivateKey, **changes: Any) -> Entry:
    """The next document, signed by the root unless told otherwise."""
    state = live.service.instance
    assert state.document is not None
    values = {
        "serial": state.document.serial + 1,
        "previous": state.document_digest,
        "issued_at": live.clock.now,
    }
    return signed(msgspec.structs.replace(state.document, **{**values, **changes}), *(keys or (root(live),)))


def post(live: Running, entry: Entry) -> Any:
    return live.client.post(DOCUMENTS, content=entry.data)


def well_known(live: Running) -> bytes:
    return bytes(live.client.get("/.well-known/althing.json").content)


# --- documents over HTTP ---


def test_a_document_is_recorded_once(live: Running) -> None:
    entry = after(live, name="New name")
    answer = recorded(post(live, entry)).json()
    assert well_known(live) == entry.data
    again = post(live, entry)
    assert (again.status_code, again.json()["index"]) == (200, answer["index"])
    assert live.client.get(f"{API}/instance").json()["name"] == "New name"


def expired(live: Running) -> Entry:
    part = Federation(Versions(1, 1), public(key(20)), [], [], NOW, "")
    return after(live, federation=part, issued_at=NOW - 10)


REFUSED = {
    "serial": lambda live: after(live, serial=1),
    "previous": lambda live: after(live, previous="sha256:" + "0" * 64),
    "not-the-root": lambda live: after(live, live.service.key),
    "new-root-alone": lambda live: after(live, key(50), root=public(key(50))),
    "service-key": lambda live: after(live, service=public(key(51))),
    "from-the-future": lambda live: after(live, issued_at=NOW + 301),
    "expired": expired,
    "another-statement": lambda live: signed(live.community.constitution(), live.community.steward),
    "revokes-nobody": lambda live: after(
        live, revoked=[Revocation(key_id(public(key(51))), live.community.origin, 9, "")]
    ),
    "revokes-in-no-log": lambda live: after(
        live, revoked=[Revocation(key_id(public(live.service.key)), "other.example/x", 9, "")]
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_next_document_changes_nothing(lite: Running, name: str) -> None:
    before = well_known(lite)
    answer = post(lite, REFUSED[name](lite))
    assert answer.status_code in {403, 422}, answer.text
    assert well_known(lite) == before
    assert post(lite, after(lite)).status_code == 201, "and goes on"


def test_bytes_that_are_none(lite: Running) -> None:
    for wrong in (b"", b"{}", b"\x00", after(lite).data[:-1], b"x" * 70_000):
        assert lite.client.post(DOCUMENTS, content=wrong).status_code in {400, 413}


def test_a_second_root_is_believed_after_both_have_signed(lite: Running) -> None:
    new = key(50)
    recorded(post(lite, after(lite, root(lite), new, root=public(new))))
    assert post(lite, after(lite)).status_code == 422
    recorded(post(lite, after(lite, new)))


# --- revocations void nothing that is recorded ---


def test_a_revocation_may_not_void_what_is_recorded(live: Running) -> None:
    live.community.open()
    state, now = live.service.instance, live.clock.now
    assert state.document is not None
    origin = f"{live.community.origin}/ballots/q1"
    with live.service.store.read() as conn:
        size = entries.head(conn, origin).size
        found = entries.read_entries(conn, entries.head(conn, origin).id, 0, size)
    mine = key_id(public(live.service.key)).encode()
    last = max(i for i, data in enumerate(found) if mine in data)
    other = public(key(51))
    for start in range(size + 1):
        revoked = [Revocation(mine.decode(), origin, start, "stolen")]
        entry = after(live, service=other, revoked=revoked, issued_at=now)
        if start <= last:
            with pytest.raises(InvalidStatement, match=r"entry \d+ of .* is signed with this key"):
                check_voids(live.service.store, state, entry)
        else:
            check_voids(live.service.store, state, entry)
    forged = after(live, key(9), service=other, revoked=[Revocation(mine.decode(), origin, size, "")])
    with pytest.raises(BadSignature):
        check_voids(live.service.store, state, forged)


# --- rotation of a key file ---


def test_a_prepared_key_waits_for_its_document(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "service"
    old = key_of(tmp_path, "service")
    new = prepare_rotation(path)
    assert path.with_name("service.next").stat().st_mode & 0o777 == 0o600
    finish_rotation(path, lambda held: public(held) == public(old))
    assert public(key_of(tmp_path, "service")) == public(old)
    finish_rotation(path, lambda held: public(held) == public(new))
    assert public(key_of(tmp_path, "service")) == public(new)
    finish_rotation(path, lambda _held: True)
    assert [p.name for p in path.parent.iterdir()] == ["service"]


def test_a_prepared_key_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "service"
    key_of(tmp_path, "service")
    path.with_name("service.next").write_bytes(b"no key")
    with pytest.raises(SetupFault, match="cannot be read"):
        finish_rotation(path, lambda _held: True)


def test_another_service_key_than_the_documents_stops_the_start(tmp_path: Path) -> None:
    with running(tmp_path / "data", found=False):
        pass
    (tmp_path / "data" / "keys" / "service").unlink()
    key_of(tmp_path / "data", "service")
    with pytest.raises(SetupFault, match="service key"), running(tmp_path / "data", found=False):
        pass


# --- held ---


class Holding:
    """A plugin with reasons."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        self.asked = 0

    @hookimpl
    def holds(self, store: Any) -> Sequence[str]:
        """The reasons, once there is a log."""
        self.asked += 1
        with store.read() as conn:
            return self.reasons if entries.heads(conn) else ()


def test_the_first_start_is_never_held(tmp_path: Path) -> None:
    plugin = Holding("a reason")
    with running(tmp_path / "data", found=False, plugins=(plugin,)) as live:
        assert plugin.asked == 1
        assert live.service.held == ()
        recorded(post(live, after(live)))


def test_while_held_everything_is_read_and_nothing_is_recorded(database: str | None, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, database) as live:
        live.community.open()
        community, before = live.community, well_known(live)
        heads = _heads(live)
    plugin = Holding("first this", "then that")
    with running(data, database, found=False, plugins=(plugin,), name="Renamed") as live:
        community.client = live.client
        assert live.service.held == ("first this", "then that")
        answers = [
            community.cast(key(100), ["a"]),
            community.order("close"),
            live.client.post(
                f"{API}/spaces",
                content=signed(community.founding(), community.operator, community.steward).data,
            ),
            post(live, after(live)),
        ]
        for answer in answers:
            assert answer.status_code == 503, answer.text
            problem = answer.json()
            assert problem["type"].endswith("unavailable")
            assert "first this; then that" in problem["detail"]
            assert answer.headers["retry-after"] == "2"
        assert _heads(live) == heads
        assert well_known(live) == before, "the new name waits as well"
        assert live.client.get(f"{API}/spaces/nix").status_code == 200
        live.service.release("then that")
        live.service.release("no such reason")
        assert live.service.held == ("first this",)
        assert community.cast(key(100), ["a"]).status_code == 503
        live.service.release("first this")
        assert live.service.held == ()
        assert json.loads(live.client.get(f"{API}/instance").content)["name"] == "Renamed"
        recorded(community.cast(key(100), ["a"]))


def _heads(live: Running) -> dict[str, tuple[int, bytes]]:
    with live.service.store.read() as conn:
        return {head.origin: (head.size, head.checkpoint) for head in entries.heads(conn)}


# --- taking back ---


Logs = dict[str, tuple[LogHead, list[bytes]]]


class Lost:
    """An instance with an old and a new state of all its logs; the database holds the old one."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.data = folder / "restored"
        with running(folder / "data") as live:
            live.community.open()
            recorded(live.community.cast(key(100), ["a"]))
            self.old = _logs(live)
            recorded(live.community.cast(key(101), ["b"]))
            recorded(live.community.cast(key(100), ["c"]))
            live.community.enrol(key(103))
            live.community.open(live.community.definition("q2"))
            recorded(live.community.cast(key(101), ["b"], "q2"))
            self.new = _logs(live)
            self.community = live.community
        shutil.copytree(folder / "data" / "keys", self.data / "keys")
        manager = load_plugins(Holding("compare"))
        folders = [folder for found in manager.hook.tables() for folder in found]
        self.store = open_store(database, self.data, migrations=folders)
        with self.store.write() as conn:
            for head, data in self.old.values():
                imports.take_back(conn, _absent(head), data, head.checkpoint)
        wanted = Wanted("http://127.0.0.1:8000", False, None)
        self.service = Service(self.store, HookCaller(manager), Options(wanted), clock=TestClock())
        self.service.start()

    def head(self, origin: str) -> LogHead:
        with self.store.read() as conn:
            return entries.head(conn, origin)

    def take_back(self, origin: str, more: list[bytes] | None = None, note: bytes | None = None) -> None:
        """What the new state has beyond the old one, or something else."""
        head, data = self.new[origin]
        log = self.head(origin) if origin in self.old else _absent(head)
        if more is None:
            more = data[log.size :]
        self.service.sequencer.take_back(log, more, head.checkpoint if note is None else note, [])


def _absent(head: LogHead) -> LogHead:
    """A log that is not stored yet."""
    return LogHead(0, head.origin, head.kind, head.space, head.ballot, head.vkey)


def _logs(live: Running) -> Logs:
    with live.service.store.read() as conn:
        return {
            head.origin: (head, entries.read_entries(conn, head.id, 0, head.size))
            for head in entries.heads(conn)
        }


@pytest.fixture
def lost(database: str | None, tmp_path: Path) -> Iterator[Lost]:
    made = Lost(tmp_path, database)
    yield made
    made.service.close()
    made.store.close()


def test_lost_entries_come_back_and_nothing_is_signed_anew(lost: Lost) -> None:
    service = lost.service
    assert service.held == ("compare",)
    ballot = f"{lost.community.origin}/ballots/q1"
    service.load(ballot)
    # Spaces first, as the guard does: ballots refer to them. Also q2, of which the store knows nothing.
    for origin in sorted(lost.new):
        lost.take_back(origin)
    for origin, (head, data) in lost.new.items():
        stored = lost.head(origin)
        assert (stored.size, stored.root) == (head.size, head.root)
        assert stored.checkpoint.startswith(head.checkpoint.split(b"\n\n")[0])
        with lost.store.read() as conn:
            assert entries.read_entries(conn, stored.id, 0, stored.size) == data
    with pytest.raises(Unavailable):
        service.submit(lambda batch: batch.append(ballot, b"", None)).result()
    service.release("compare")
    service.load(lost.community.origin)
    service.load(f"{lost.community.origin}/ballots/q2")
    assert rebuild.check(lost.store) == [], "tables say what the logs say"


def wrong_entries(lost: Lost, origin: str) -> list[tuple[list[bytes], bytes, type[GovernanceError]]]:
    head, data = lost.new[origin]
    more = data[lost.old[origin][0].size :]
    old = lost.old[origin][0].checkpoint
    other = next(h.checkpoint for o, (h, _) in lost.new.items() if o != origin)
    return [
        (more[:-1], head.checkpoint, BadProof),
        ([*more[:-1], data[0]], head.checkpoint, BadProof),
        (more[::-1], head.checkpoint, BadProof),
        (more, old, BadProof),
        (more, other, BadSignature),
        (more, head.checkpoint.replace(b"\n", b"\n\n", 1), GovernanceError),
        (more, b"", GovernanceError),
        ([b"no entry"], head.checkpoint, GovernanceError),
    ]


@pytest.mark.parametrize("case", range(8))
def test_wrong_entries_are_refused_and_change_nothing(lost: Lost, case: int) -> None:
    origin = f"{lost.community.origin}/ballots/q1"
    more, note, error = wrong_entries(lost, origin)[case]
    before = lost.head(origin)
    if error is BadProof and note == before.checkpoint:
        lost.take_back(origin, more, note)
        assert lost.head(origin) == before, "a checkpoint of what is here adds nothing"
        return
    with pytest.raises(error):
        lost.take_back(origin, more, note)
    assert lost.head(origin) == before
    lost.take_back(origin)


def test_a_log_without_its_key_is_not_taken(lost: Lost) -> None:
    origin = f"{lost.community.origin}/ballots/q2"
    LogKeys(lost.data).path(origin).unlink()
    with pytest.raises(InvalidStatement, match="not among the keys"):
        lost.take_back(origin)
    assert origin not in {head.origin for head in _all(lost)}


def _all(lost: Lost) -> list[LogHead]:
    with lost.store.read() as conn:
        return list(entries.heads(conn))

"""`althing instance`: renewal with an offline root key, new keys, revocation; an audit passes after each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from federation import identity, peers, renewal, rotation
from federation.backup import seal_directory, unseal
from federation.identity import document_of, fingerprint_words
from governance.audit.run import audit
from governance.audit.source import PublicFiles
from governance.cli.client import Client
from governance.errors import (
    AnotherWriter,
    IdentityChanged,
    IntegrityFault,
    InvalidStatement,
    MalformedKey,
    NotAuthorised,
)
from governance.replay.authority import require_service
from governance.replay.instance import WEEK
from governance.service.instance import key_of, public, signed
from governance.signing import keyfile
from governance.signing.keyfile import Ed25519Key
from governance.statements.base import BlobRef
from governance.statements.entry import key_id
from governance.statements.peer import Evidence
from tests.support.fed_home import KEYS, Home
from tests.support.fed_nodes import MemoryInstance, VirtualClock, _Wire
from tests.support.fed_service import HOST, URL, Real, befriend, mirror_at, run
from tests.support.people import Community, key, operator_of, recorded


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)


class Flipped:
    """Public files with one bit of one file changed."""

    def __init__(self, files: PublicFiles, path: str, bit: int) -> None:
        self.name, self._files, self._path, self._bit = "flipped", files, path, bit

    def read(self, path: str, limit: int) -> bytes:
        data = bytearray(self._files.read(path, limit))
        if path == self._path:
            data[self._bit // 8] ^= 1 << self._bit % 8
        return bytes(data)

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        return None


def audited(us: Real) -> None:
    """An audit passes; with one bit of the identity log changed it does not."""
    files = us.node.own.files()
    verdict = audit(files)
    assert verdict.passed, [str(check) for check in verdict.failures]
    size = us.node.own.head(f"{HOST}/instance").size
    path = f"logs/instance/tile/entries/000.p/{size}"
    length = len(files.read(path, 10_000_000)) * 8
    for bit in range(0, length, length // 40):
        assert not audit(Flipped(files, path, bit)).passed, f"bit {bit}"


def works(us: Real) -> None:
    """The instance goes on: it takes a vote, closes and counts."""
    here = us.running.community
    recorded(here.cast(key(100), ["a"]))
    recorded(here.order("close"))
    assert us.running.client.get("/api/v1/spaces/nix/ballots/q1").json()["state"] == "decided"


# --- new keys ---


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_replaced_and_everything_goes_on(home: Home, name: str) -> None:
    before = home.keys()
    home.rotate(name)
    after = home.keys()
    assert {n for n in KEYS if before[n] != after[n]} == {name}
    assert not list((home.data / "keys").glob("*.next"))
    with home.up() as us:
        serial = document_of(us.node.own.document()).serial
        identity.sync_identity(us.service, us.node.keys.http, us.node.keys.vkeys)
        assert document_of(us.node.own.document()).serial == serial, "the document names the keys in use"
        works(us)
        audited(us)


@pytest.mark.parametrize("name", KEYS)
def test_killed_before_the_file_is_in_place(home: Home, name: str) -> None:
    """The document is recorded, the file not yet renamed: the next start finishes that."""
    before = home.keys()

    def killed(*_args: object) -> None:
        raise Killed

    with home.monkeypatch.context() as patch:
        patch.setattr(rotation, "_record", _then(rotation._record, killed))
        with pytest.raises(Killed):
            home.run("rotate", name, "--data", str(home.data), "--yes")
    assert home.keys() == before
    assert (home.data / "keys" / f"{name}.next").exists()
    with home.up() as us:
        after = home.keys()
        assert {n for n in KEYS if before[n] != after[n]} == {name}
        document = document_of(us.node.own.document())
        assert document.serial == 3
        works(us)
        audited(us)
    home.fine("renew", "--data", str(home.data))


def test_kill_9_between_document_and_file(home: Home) -> None:
    before = home.keys()
    program = """
import os, sys
from federation import rotation
from governance.__main__ import main
record = rotation._record
rotation._record = lambda *a: (record(*a), os.kill(os.getpid(), 9))
sys.argv = ["althing", "instance", "rotate", "service", "--yes", "--data", sys.argv[1]]
main()
"""
    done = subprocess.run([sys.executable, "-c", program, str(home.data)], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    with home.up() as us:
        assert home.keys()["service"] != before["service"]
        works(us)
        audited(us)


def test_a_lost_operator_key(home: Home) -> None:
    (home.data / "keys" / "operator").unlink()
    home.rotate("operator")
    with home.up() as us:
        (operator,) = document_of(us.node.own.document()).operators
        assert operator.key == public(key_of(home.data, "operator", create=False))
        us.order(mirror_at("m.example", home.network, home.clock))
        audited(us)


def test_a_former_operator_founds_nothing_more(home: Home) -> None:
    former = operator_of(home.data)
    home.rotate("operator")
    present = operator_of(home.data)
    with home.up() as us:
        here = us.running.community
        for who, status in ((former, 403), (present, 201)):
            other = Community(us.running.client, who, home.clock.now, HOST, "other", here.instance)
            founding = other.founding()
            answer = us.post("/spaces", founding, who, other.steward)
            assert answer.status_code == status, answer.text
        audited(us)
    with home.up():
        pass


def _then(work: Any, after: Any) -> Any:
    def both(*args: Any) -> Any:
        work(*args)
        after()

    return both


@pytest.mark.parametrize("name", KEYS)
def test_killed_before_the_document_is_recorded(home: Home, name: str) -> None:
    before = home.keys()

    def killed(*_args: object) -> None:
        raise Killed

    with home.monkeypatch.context() as patch:
        patch.setattr(rotation, "append_document", killed)
        with pytest.raises(Killed):
            home.run("rotate", name, "--data", str(home.data), "--yes")
    with home.up() as us:
        assert home.keys() == before
        assert document_of(us.node.own.document()).serial == 2
    home.rotate(name)
    assert home.keys() != before
    with home.up() as us:
        audited(us)


def test_a_root_key_kept_elsewhere(home: Home) -> None:
    away = home.folder / "stick" / "root"
    away.parent.mkdir()
    shutil.move(home.data / "keys" / "root", away)
    refused = home.run("rotate", "http", "--data", str(home.data), "--yes")
    assert refused.exit_code == 1
    assert "say with --root where the root key is" in refused.output
    home.rotate("service", "--root", str(away))
    old = away.read_bytes()
    home.rotate("root", "--root", str(away))
    assert away.read_bytes() != old
    assert not (home.data / "keys" / "root").exists()
    away.with_name("old").write_bytes(old)
    refused = home.run("renew", "--data", str(home.data), "--root", str(away.with_name("old")))
    assert "is not the root key of this instance" in refused.output
    home.fine("renew", "--data", str(home.data), "--root", str(away))
    with home.up() as us:
        audited(us)


def test_no_such_key_no_such_place_and_a_running_instance(home: Home) -> None:
    assert "the key is one of" in home.run("rotate", "log", "--data", str(home.data), "--yes").output
    assert "there is no instance" in home.run("renew", "--data", str(home.folder / "empty")).output
    assert not (home.folder / "empty").exists()
    with home.up():
        result = home.run("renew", "--data", str(home.data), "--json")
        assert AnotherWriter.code in result.output


def test_peers_follow_new_keys(home: Home) -> None:
    other = mirror_at("m.example", home.network, home.clock)
    with home.up() as us:
        befriend(us, other)
        run(home.clock, us.node, other.node)
    with home.monkeypatch.context() as patch:
        patch.setattr("federation.running.egress.transport", lambda *_a, **_k: _wire(home))
        for name in ("root", "http", "witness"):
            home.rotate(name)
    with home.up() as us:
        serial = document_of(us.node.own.document()).serial
        home.clock.now += 4_300
        run(home.clock, us.node, other.node, rounds=8)
        row = peers.require(other.node, us.instance)
        assert (row.serial, row.quarantine) == (serial, None)


def _wire(home: Home) -> httpx.BaseTransport:
    return _Wire(home.network, HOST)


def test_held_by_the_guard_nothing_is_signed(home: Home) -> None:
    other = mirror_at("m.example", home.network, home.clock)
    with home.up() as us:
        befriend(us, other)
        run(home.clock, us.node, other.node)
    before = home.keys()
    home.network.drop = lambda _sender, _host: True
    with home.monkeypatch.context() as patch:
        patch.setattr("federation.running.egress.transport", lambda *_a, **_k: _wire(home))
        result = home.run("rotate", "http", "--data", str(home.data), "--yes")
    assert result.exit_code == 1
    assert "nothing can be signed now" in result.output
    assert home.keys() == before


# --- revoking ---


def test_a_stolen_service_key_is_voided_everywhere_from_here_on(home: Home) -> None:
    old = key_id(public(key_of(home.data, "service")))
    said = home.run("revoke", old, "--reason", "stolen", "--data", str(home.data), "--yes")
    assert "is no former service key" in said.output
    thief = key_of(home.data, "service")
    assert f"althing instance revoke {old}" in home.rotate("service")
    home.fine("revoke", old, "--reason", "stolen", "--data", str(home.data), "--yes")
    with home.up() as us:
        document = document_of(us.node.own.document())
        assert {r.origin for r in document.revoked} == set(us.heads())
        works(us)
        audited(us)
        for head in us.node.own.heads():
            assert us.service.instance.keys.revoked[old, head.origin] <= head.size
        forged = signed(Evidence("x.example/instance", BlobRef("sha256:" + "0" * 64, 1), 1), thief)
        keys = us.service.instance.keys
        for head in us.node.own.heads():
            with pytest.raises(NotAuthorised):
                require_service(forged, keys, head.origin, head.size)


def test_service_and_audit_judge_a_revocation_alike(home: Home) -> None:
    """One that voids recorded entries is never written by us; whoever does has a log that nobody believes."""
    old = key_id(public(key_of(home.data, "service")))
    ballot = f"{HOST}/spaces/nix/ballots/q1"
    home.rotate("service")
    with home.monkeypatch.context() as patch:
        patch.setattr("governance.service.documents._check_void", lambda *_args: None)
        words = ("--log", ballot, "--from", "1", "--reason", "x", "--data", str(home.data), "--yes")
        home.fine("revoke", old, *words)
    with home.up() as us:
        failures = audit(us.node.own.files()).failures
        assert {check.log for check in failures} == {ballot}
        assert any("revoked in this log from entry 1" in check.detail for check in failures)
        with pytest.raises(IntegrityFault, match="revoked in this log from entry 1"):
            us.service.load(ballot)


def test_a_revocation_that_would_break_a_log_is_refused(home: Home) -> None:
    old = key_id(public(key_of(home.data, "service")))
    home.rotate("service")
    ballot = f"{HOST}/spaces/nix/ballots/q1"
    words = ("--reason", "x", "--data", str(home.data), "--yes")
    result = home.run("revoke", old, "--log", ballot, "--from", "0", *words)
    assert "is signed with this key; revoke it from a later place" in result.output
    assert "--from needs --log" in home.run("revoke", old, "--from", "3", *words).output
    assert "there is no log" in home.run("revoke", old, "--log", f"{HOST}/spaces/no", *words).output
    home.fine("revoke", old, "--log", ballot, "--from", "99", *words)
    result = home.run("revoke", old, "--log", ballot, "--from", "100", *words)
    assert "not taken back" in result.output
    home.fine("revoke", old, "--log", ballot, "--from", "50", *words)
    home.fine("revoke", old, *words)
    with home.up() as us:
        revoked = us.service.instance.keys.revoked
        assert revoked[old, ballot] == 50
        assert len(revoked) == len(us.heads())
        audited(us)


# --- over HTTP, with the root key on another machine ---


class Served(httpx.BaseTransport):
    """A client's requests go to the test's service."""

    def __init__(self, us: Real) -> None:
        self._client = us.running.client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        got = self._client.request(request.method, path, content=request.read(), headers=request.headers)
        return httpx.Response(got.status_code, headers=got.headers, content=got.content)


@pytest.fixture
def away(home: Home) -> Path:
    path = home.folder / "stick" / "root"
    path.parent.mkdir()
    shutil.move(home.data / "keys" / "root", path)
    return path


def over(home: Home, us: Real) -> None:
    home.monkeypatch.setattr("federation.instance_cli.Client", lambda url: Client(url, transport=Served(us)))


def test_renewed_from_another_machine(home: Home, away: Path) -> None:
    with home.up() as us:
        over(home, us)
        home.clock.now += 3 * 86_400
        document = json.loads(home.fine("renew", URL, "--root", str(away), "--json"))
        assert document["serial"] == 3
        assert document["federation"]["valid_until"] == home.clock.now + WEEK
        home.clock.now += WEEK + 5
        shown = home.fine("show", URL)
        assert "EXPIRED" in shown
        assert fingerprint_words(us.instance) in shown
        assert us.instance in shown
        home.fine("renew", URL, "--root", str(away))
        assert "EXPIRED" not in home.fine("show", URL)
        assert json.loads(home.fine("show", URL, "--json"))["document"]["serial"] == 4
        audited(us)


def test_a_document_signed_elsewhere_is_published(home: Home, away: Path) -> None:
    with home.up() as us:
        over(home, us)
        file = home.folder / "next.json"
        entry = renewal.next_document(us.node.own.document(), away, home.clock.now)
        file.write_bytes(entry.data)
        home.fine("publish", URL, str(file))
        home.fine("publish", URL, str(file))
        assert us.node.own.document() == entry
        file.write_bytes(signed(document_of(entry), key(9)).data)
        assert home.run("publish", URL, str(file)).exit_code == 1


def test_what_was_signed_and_not_recorded_is_sent_again(home: Home, away: Path) -> None:
    with home.up() as us:
        first = us.node.own.document()
        lost = renewal.next_document(first, away, home.clock.now)
        home.clock.now += 60
        assert renewal.next_document(first, away, home.clock.now) == lost, "never two of one serial"
        home.clock.now += WEEK
        late = renewal.next_document(first, away, home.clock.now)
        assert late != lost, "nobody takes an expired one"


def test_an_old_document_gets_no_successor(home: Home, away: Path) -> None:
    with home.up() as us:
        first = us.node.own.document()
        second = renewal.next_document(first, away, home.clock.now)
        third = renewal.next_document(second, away, home.clock.now)
        assert document_of(third).serial == 4
        with pytest.raises(IdentityChanged, match="older than the last one signed here"):
            renewal.next_document(first, away, home.clock.now)


def test_the_wrong_root_signs_nothing(home: Home, away: Path) -> None:
    with home.up() as us:
        other = away.with_name("other")
        other.write_bytes(Ed25519Key(bytes(32)).dump())
        with pytest.raises(MalformedKey, match="not the root key"):
            renewal.next_document(us.node.own.document(), other, home.clock.now)
        assert not other.with_name("other.last").exists()


def test_who_does_not_federate_is_not_renewed_from_afar(home: Home, away: Path) -> None:
    with home.up() as us:
        old = us.node.own.document()
        plain = signed(replace(document_of(old), federation=None), key_at(away))
        with pytest.raises(InvalidStatement, match="names no keys of federation"):
            renewal.next_document(plain, away, home.clock.now)


def key_at(path: Path) -> Ed25519Key:
    found = keyfile.load(path.read_bytes())
    assert isinstance(found, Ed25519Key)
    return found


def test_sealed_keys_never_hold_a_root(home: Home) -> None:
    folder = home.data / "keys"
    for name in ("root.next", "root.1234abcd", "root.last"):
        shutil.copy(folder / "root", folder / name)
    root = key_at(folder / "root")
    files = unseal(seal_directory(folder, "sha256:" + "0" * 64, public(root)), root).files
    assert {"service", "http", "operator"} <= set(files)
    assert not [name for name in files if name.startswith("root")]


def test_documents_of_another_host_are_refused() -> None:
    own = MemoryInstance("us.example", VirtualClock())
    document = document_of(own.document())
    for url in ("https://other.example", "https://us.example/sub", "https://us.example:8443"):
        moved = signed(replace(document, base_url=url), own.root_key)
        with pytest.raises(InvalidStatement, match="same host"):
            identity.read_document(moved.data, document.issued_at)

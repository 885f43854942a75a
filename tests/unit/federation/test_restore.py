"""`althing restore`: an instance that lost its disk comes back from its root key and one mirror."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from federation import renewal, restore
from federation.identity import document_of
from federation.restore import restore_instance
from federation.views import PeerPage, PeerStatus
from governance.audit.run import audit
from governance.cli.casting import Cast
from governance.cli.client import Client
from governance.cli.play.stage import Stage
from governance.cli.space import operator_key
from governance.errors import AlreadyExists, GovernanceError, MalformedKey, MalformedRequest, NotFound
from governance.fetch.http import Website
from governance.log.tiles import bundles_for, parse_bundle, tiles_for
from governance.service.answers import InstanceView
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import parse_note, parse_vkey
from governance.statements.instance import Instance
from tests.support.fed_nodes import MemoryInstance, VirtualClock
from tests.support.server import Person
from tests.support.town import Town, wait_until

OPTIONS = ("--rate", "0", "--egress", "local")


@dataclass
class Pair:
    """Two running instances that mirror each other."""

    folder: Path
    a: Stage
    b: Stage

    @property
    def mirror(self) -> str:
        with Client(self.a.url) as client:
            return f"{self.b.url}/mirrors/{client.get('/instance', InstanceView).id[7:]}"


def stage(folder: Path, name: str, port: int = 0) -> Stage:
    return Stage(folder / name, folder / f"{name}.log", port, *OPTIONS, "--name", name)


def befriend(folder: Path, a: Stage, b: Stage) -> None:
    for one, other in ((a, b), (b, a)):
        Person(folder / "home", one.url).do(
            "peer", "add", other.url, "--as", "mirror", "--yes", "--key", operator_key(one.data)
        )


def copied(b: Stage, sizes: dict[str, int]) -> bool:
    """Whether b has copied every one of these logs whole, and the keys of all of them."""
    with Client(b.url) as client:
        found = {
            copy.origin: copy.size
            for peer in client.get("/peers", PeerPage).items
            for copy in client.get(f"/peers/{peer.id}", PeerStatus).copies
        }
    return all(found.get(origin, 0) >= size for origin, size in sizes.items())


def sizes(town: Town) -> dict[str, int]:
    with town.client() as client:
        base = town.url.partition("://")[2]
        paths = ["instance", *_logs(town)]
        notes = {f"{base}/{p}": client.read(f"/logs/{p}/checkpoint").decode() for p in paths}
    return {origin: int(note.splitlines()[1]) for origin, note in notes.items()}


def _logs(town: Town) -> list[str]:
    spaces = [f"spaces/{town.space}", "spaces/village"]
    return [*spaces, *(f"spaces/{town.space}/ballots/{b}" for b in ("done", "works"))]


def public_files(url: str, paths: list[str]) -> dict[str, bytes]:
    """Checkpoint and every bundle and tile of the logs, byte for byte."""
    files = Website(url)
    found = {}
    for path in paths:
        note = files.read(f"logs/{path}/checkpoint", 100_000)
        # Text and our own signature; cosignatures come and go with the witnesses.
        found[path] = b"\n".join(note.split(b"\n")[:5])
        size = int(note.splitlines()[1])
        for part in (*bundles_for(0, size), *tiles_for(0, size)):
            found[f"{path}/{part.path}"] = files.read(f"logs/{path}/{part.path}", 20_000_000)
    return found


@pytest.mark.timeout(240)
def test_restore_drill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with stage(tmp_path, "a") as a, stage(tmp_path, "b") as b:
        befriend(tmp_path, a, b)
        town = Town(a.url, a.data, seed=3)
        town.found(6)
        Town(a.url, a.data, space="village", seed=9).found(1)
        town.open("done", hours=1)
        for member in range(5):
            town.vote(member, "well")
        town.close()
        wait_until("the first ballot is decided", lambda: town.view().state == "decided")
        town.open("works")
        receipts = [town.vote(member, "school") for member in range(4)]
        before_sizes = sizes(town)
        wait_until("b has copied everything", lambda: copied(b, before_sizes), 90)
        mirror, root = Pair(tmp_path, a, b).mirror, (a.data / "keys" / "root").read_bytes()
        wait_until("b keeps the keys of every log", lambda: _keys_kept(tmp_path, mirror, root), 60)
        paths = ["instance", *_logs(town)]
        before = public_files(a.url, paths)
        old, port = cosigners(a.url), a.port
        wait_until("b has the cosignatures of a", lambda: old <= lines(b), 60)
        a.stop()
        shutil.rmtree(a.data)
        (tmp_path / "root").write_bytes(root)

        began = time.monotonic()
        said = Person(tmp_path / "home").do(
            "restore", "--mirror", mirror, "--root", tmp_path / "root", "--data", tmp_path / "again"
        )
        took = time.monotonic() - began
        with Stage(tmp_path / "again", tmp_path / "again.log", port, *OPTIONS) as again:
            town.data = again.data
            wait_until("the logs are released", lambda: _votes_again(town, receipts), 60)
            ready = time.monotonic() - began
            grown = {"instance", "spaces/town/ballots/works"}
            after = public_files(again.url, [path for path in paths if path not in grown])
            assert after == {name: before[name] for name in after}, "byte for byte"
            for path in grown:
                assert _prefix(again.url, path, before), f"{path} goes on from where it was"
            town.vote(5, "bridge")
            town.close()
            wait_until("the open ballot is decided", lambda: town.view().state == "decided")
            verdict = audit(Website(again.url))
            assert verdict.passed, [str(check) for check in verdict.failures]
            wait_until("b copies on", lambda: copied(b, sizes(town)), 90)
            wait_until("a document names new cosigners", lambda: not old & cosigners(again.url))
            new = cosigners(again.url)
            assert len(new) == len(old)
            wait_until("b has cosignatures by the new keys", lambda: new <= lines(b), 90)
            assert old <= lines(b), "and keeps those by the old ones"
    with capsys.disabled():
        print(f"\nrestore drill: {took:.1f} s to restore, {ready:.1f} s until a vote was taken again")
    assert "is back in" in said


def cosigners(url: str) -> set[tuple[str, bytes]]:
    """Names and ids of the keys that the identity document names for cosignatures."""
    with Client(url) as client:
        part = document_of(renewal.fetch(client)).federation
    keys = [] if part is None else [parse_vkey(text) for text in part.witnesses]
    return {(key.name, key.key_id) for key in keys}


def lines(b: Stage) -> set[tuple[str, bytes]]:
    """Whose lines stand under the head of b's instance log."""
    with Client(b.url) as client:
        note = parse_note(client.read("/logs/instance/checkpoint"))
    return {(line.name, line.key_id) for line in note.signatures}


def _keys_kept(folder: Path, mirror: str, root: bytes) -> bool:
    """Whether the keys at the mirror are those of every log: a trial restore works and finds five of them."""
    trial = folder / "trial"
    try:
        found = restore_instance(mirror, root, trial, None)
    except GovernanceError:
        return False
    shutil.rmtree(trial)
    return found.logs == 5


def _votes_again(town: Town, receipts: list[Cast]) -> bool:
    try:
        cast = town.vote(4, "well")
    except GovernanceError:
        return False
    assert cast.answer.index > max(r.answer.index for r in receipts), "no vote was lost, none overwritten"
    return True


def _prefix(url: str, path: str, before: dict[str, bytes]) -> bool:
    """Whether the log's entries of before are the first ones of now."""
    size = int(before[path].splitlines()[1])
    files = Website(url)
    now = int(files.read(f"logs/{path}/checkpoint", 100_000).splitlines()[1])
    (old,) = bundles_for(0, size)
    (new,) = bundles_for(0, now)
    first = parse_bundle(before[f"{path}/{old.path}"], old.width)
    return parse_bundle(files.read(f"logs/{path}/{new.path}", 20_000_000), new.width)[:size] == first


@pytest.mark.parametrize(
    "mirror",
    ["https://peer.example", "https://peer.example/mirrors/abc", "file:///mirrors/" + "a" * 64, ""],
)
def test_what_is_no_mirror(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest):
        restore_instance(mirror, Ed25519Key(b"r" * 32).dump(), tmp_path / "new", None)
    assert not (tmp_path / "new").exists()


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    with pytest.raises(AlreadyExists):
        restore_instance(
            f"https://peer.example/mirrors/{'a' * 64}", Ed25519Key(b"r" * 32).dump(), tmp_path, None
        )


def _own() -> tuple[Instance, dict[str, bytes], MemoryInstance]:
    own = MemoryInstance("us.example", VirtualClock())
    document = own.document().statement
    assert isinstance(document, Instance)
    files = {
        "service": own.service_key.dump(),
        "http": own.keys.http.dump(),
        "logs/" + "a" * 64: b"{}",
    }
    return document, files, own


def test_all_keys_but_the_cosigners_are_kept() -> None:
    """Whatever they have signed is lost: also those that were to take their place."""
    document, files, own = _own()
    cosigners = {
        name: Ed25519Key(own._seed(name.partition(".")[0])).dump()
        for name in ("witness", "mirror", "witness.next", "mirror.next", "mirror.1234abcd")
    }
    assert restore._named({**files, **cosigners}, document) == files


def test_a_key_that_a_mirror_slipped_in_is_left_out() -> None:
    document, files, _ = _own()
    slipped = {**files, "http": Ed25519Key(b"slipped in".ljust(32)).dump()}
    assert restore._named(slipped, document) == {n: d for n, d in files.items() if n != "http"}


def test_another_service_key_is_refused() -> None:
    document, files, _ = _own()
    with pytest.raises(MalformedKey, match="another mirror"):
        restore._named({**files, "service": Ed25519Key(b"x" * 32).dump()}, document)
    with pytest.raises(GovernanceError):
        restore._named({n: d for n, d in files.items() if n != "service"}, document)


def test_an_instance_that_never_federated_has_no_keys_for_it() -> None:
    document, files, _ = _own()
    plain = msgspec.structs.replace(document, federation=None)
    assert set(restore._named(files, plain)) == {"service", "logs/" + "a" * 64}


@pytest.mark.timeout(120)
def test_a_wrong_root_key_and_an_unknown_instance(tmp_path: Path) -> None:
    with stage(tmp_path, "a") as a, stage(tmp_path, "b") as b:
        befriend(tmp_path, a, b)
        pair = Pair(tmp_path, a, b)
        wait_until("b has a copy", lambda: copied(b, {f"127.0.0.1:{a.port}/instance": 1}), 60)
        new = tmp_path / "new"
        with pytest.raises(MalformedKey, match="not that of the instance"):
            restore_instance(pair.mirror, Ed25519Key(b"r" * 32).dump(), new, None)
        root = (a.data / "keys" / "root").read_bytes()
        with pytest.raises(NotFound):
            restore_instance(f"{b.url}/mirrors/{'a' * 64}", root, new, None)
        assert not new.exists(), "half an instance would be in the way"

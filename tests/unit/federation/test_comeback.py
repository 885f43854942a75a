"""Back from an old backup, or from a mirror without a disk: new cosigners, and log keys that peers keep."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from federation import backup, cli, cosigning, evidence, guard, identity, keys, mirror, rotation, seen
from federation import restore as restoring
from federation.remote import PeerFiles
from federation.views import peer_page, peer_status
from federation.witness import SILENT
from governance.errors import BadEvidence, NotFound, Unavailable
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.evidence import Evidence, parse_evidence, same_size, verify_evidence
from governance.log.merkle import leaf_hash
from governance.service.instance import key_of, public
from governance.service.log_keys import LogKeys
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Verifier, parse_vkey
from tests.support.fed_nodes import MemoryLog, SimNode
from tests.support.fed_scene import Q1, Q2, Scene
from tests.support.fed_service import Real, befriend, run
from tests.support.people import key, recorded

COSIGNERS = (keys.WITNESS, keys.MIRROR)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.live()
    return made


def files(scene: Scene) -> dict[str, str]:
    return {name: key_of(scene.data, name, create=False).public for name in COSIGNERS}


def named(us: Real) -> list[str]:
    document = us.service.instance.document
    assert document is not None
    assert document.federation is not None
    return document.federation.witnesses


def sync(us: Real) -> None:
    identity.sync_identity(us.service, us.node.keys.http, us.node.keys.vkeys)


def ask(us: Real, other: SimNode) -> None:
    """`other` has us cosign one more entry of its instance log."""
    befriend(us, other)
    other.own.publish_document()
    other.clock.now += 400
    cosigning.cosign(other.node, us.instance)


def verifiers(vkeys: list[str]) -> list[Verifier]:
    return [verifier_for(parse_vkey(vkey)) for vkey in vkeys]


def cosigners(other: SimNode, log: MemoryLog, size: int, vkeys: list[str]) -> int:
    """How many of these keys have a good line under a head of a log, as its owner keeps it."""
    note = other.own.notes[log.origin].get(size)
    if note is None:
        return 0
    return len(open_cosigned(note, [verifier_for(log.signer.key)], verifiers(vkeys)).cosignatures)


# --- an old backup ---


def test_an_old_backup_gets_new_cosigners_before_it_takes_an_entry(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.lose()
    before = files(scene)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with scene.up() as us:
        with monkeypatch.context() as patched:
            patched.setattr(us.service.sequencer, "take_back", killed)
            with pytest.raises(KeyboardInterrupt):
                guard.confirm(us.service, us.node)
        assert all(files(scene)[name] != before[name] for name in COSIGNERS)
        assert guard.confirm(us.service, us.node)
        assert not {*us.node.keys.vkeys} & {*named(us)}
        assert not us.node.cosigning.vkeys, "no document names them yet"
        sync(us)
        assert named(us) == us.node.keys.vkeys == us.node.cosigning.vkeys
    after = files(scene)
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert files(scene) == after, "nothing was behind"


def test_data_that_is_not_behind_keeps_its_cosigners(scene: Scene) -> None:
    before = files(scene)
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert us.node.cosigning.vkeys == named(us) == us.node.keys.vkeys
    assert files(scene) == before


def test_a_rotation_in_the_backup_does_not_bring_the_old_key_back(scene: Scene) -> None:
    """The backup is of the moment before the rotated key took its place; it has signed since."""
    present = {name: (scene.data / "keys" / name).read_bytes() for name in COSIGNERS}
    scene.lose()
    for name, content in present.items():
        folder = scene.data / "keys"
        (folder / f"{name}.next").write_bytes(content)
        (folder / name).write_bytes(Ed25519Key(name.encode().ljust(32)).dump())
    with scene.up() as us:
        guard.confirm(us.service, us.node)
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert not us.node.cosigning.vkeys, "the document still names the old ones, which are gone"
        assert not [*(scene.data / "keys").glob("*.next")]


def test_who_is_held_cosigns_nothing(scene: Scene) -> None:
    other = scene.mirrors[0]
    scene.lose()
    with scene.up() as us:
        other.own.publish_document()
        other.clock.now += 400
        with pytest.raises(Unavailable, match=SILENT):
            cosigning.cosign(other.node, us.instance)
        log = other.own.instance_log
        assert log.size not in other.own.notes[log.origin]


def test_new_cosigners_are_accepted_and_old_lines_stay(scene: Scene) -> None:
    other = scene.mirrors[0]
    log = other.own.instance_log
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        old, size = named(us), log.size
        assert cosigners(other, log, size, old) == 2
    scene.lose()
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        sync(us)
        ask(us, other)
        new = us.node.keys.vkeys
        assert cosigners(other, log, log.size, new[:1]) == 1, "asked, it looks for the new document"
        mirror.pull(us.node, other.own.instance)
        assert cosigners(other, log, log.size, new) == 2
        assert cosigners(other, log, size, old) == 2, "what was cosigned before stays good"
        assert cosigners(other, log, log.size, old) == 0


def test_lines_that_are_brought_back_make_a_peer_look_for_the_document(scene: Scene) -> None:
    other = scene.mirrors[0]
    log = other.own.instance_log
    scene.lose()
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        sync(us)
        other.own.publish_document()
        other.clock.now += 400
        mirror.pull(us.node, other.own.instance)
        assert cosigners(other, log, log.size, us.node.keys.vkeys) == 2


def test_without_the_root_key_it_goes_on_and_cosigns_nothing(
    scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.lose()
    (scene.data / "keys" / "root").rename(tmp_path / "root")
    other = scene.mirrors[0]
    log = other.own.instance_log
    with scene.up() as us, caplog.at_level(logging.WARNING, "althing.federation"):
        assert guard.confirm(us.service, us.node)
        sync(us)
        recorded(us.running.community.cast(key(102), ["a"]))
        other.own.publish_document()
        other.clock.now += 400
        with pytest.raises(Unavailable, match=SILENT):
            cosigning.cosign(other.node, us.instance)
        mirror.pull(us.node, other.own.instance)
        assert not other.own.notes[log.origin].get(log.size), "copied and not cosigned"
        status = peer_status(us.node, other.own.instance)
        assert (peer_page(us.node).cosigning, status.cosigning) == (False, False)
        assert [c.lag for c in status.copies if c.origin == log.origin] == [0]
        cli._silence(status.cosigning)
        assert "NOTHING IS COSIGNED HERE" in capsys.readouterr().out
        assert "old backup" in caplog.text
        assert "cosigns nothing" in caplog.text
        rotation.renew(us.service, tmp_path / "root")
        assert peer_page(us.node).cosigning
        other.clock.now += 400
        mirror.pull(us.node, other.own.instance)
        assert cosigners(other, log, log.size, us.node.keys.vkeys) == 2, "the copy of that very size"


# --- a lost disk, and a log that lies ---


def restored(scene: Scene, us: Real, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`althing restore` of the instance in the scene from its second mirror; `us` is up, to be asked with."""
    other = scene.mirrors[1]
    monkeypatch.setattr(restoring, "Website", lambda url: PeerFiles(other.node, url))
    monkeypatch.setattr(restoring.time, "time", lambda: float(scene.clock.now))
    url = f"{other.own.base_url}/mirrors/{us.instance.removeprefix('sha256:')}"
    restoring.restore_instance(url, (scene.data / "keys" / "root").read_bytes(), tmp_path / "again", None)


def test_a_lying_log_has_no_evidence_against_who_was_restored(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar, honest = scene.mirrors
    log = liar.own.add_space("dunes")
    log.append(b"the first story")
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        scene.exchange(us)
        old = named(us)
        assert cosigners(liar, log, log.size, old) == 2
        restored(scene, us, tmp_path, monkeypatch)
    first = liar.own.notes[log.origin][log.size]
    log.entries[-1] = b"the second story"
    log.leaves[-1] = leaf_hash(log.entries[-1])
    log._complete.clear()
    del liar.own.notes[log.origin]
    shutil.rmtree(scene.data)
    shutil.move(tmp_path / "again", scene.data)
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        sync(us)
        befriend(us, liar)
        run(scene.clock, us.node, liar.node, rounds=8)
        new = named(us)
        assert cosigners(liar, log, log.size, new) == 2, (
            "what it does not remember it takes for the first story"
        )
        second = liar.own.notes[log.origin][log.size]
        proof = same_size(log.vkey, first, second)
        assert verify_evidence(parse_evidence(proof)).accused == (log.vkey,)
        for vkey in (*old, *new):
            with pytest.raises(BadEvidence, match="did not sign both"):
                verify_evidence(_against(vkey, log, first, second))
        evidence.found(us.node, proof, honest.own.instance)
        with us.node.db.read() as conn:
            row = seen.get(conn, log.origin)
        assert row is not None
        assert row.frozen, "it cosigns nothing of that log any more"


def _against(vkey: str, log: MemoryLog, first: bytes, second: bytes) -> Evidence:
    return Evidence("cosigner", log.vkey, (first.decode(), second.decode()), [], vkey)


# --- keys of logs that were begun after the backup ---


def test_a_log_begun_after_the_backup_gets_its_key_from_a_peer(scene: Scene) -> None:
    scene.lose(keys=False)
    assert not LogKeys(scene.data).path(Q2).exists()
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads
        assert LogKeys(scene.data).path(Q2).stat().st_mode & 0o777 == 0o600
        recorded(us.running.community.cast(key(101), ["b"], "q2"))


def test_one_peer_that_keeps_the_key_is_enough(scene: Scene) -> None:
    poor = scene.mirrors[0]
    folder = f"sealed-keys/{_instance(scene)}"
    root = key_of(scene.data, "root")
    bundle = backup.unseal(poor.node.copies.read(folder), root)  # type: ignore[arg-type]
    without = {n: d for n, d in bundle.files.items() if LogKeys(scene.data).path(Q2).name not in n}
    poor.node.copies.write(folder, backup.seal(without, bundle.instance, public(root)))
    scene.lose(keys=False)
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads


def test_a_key_that_does_not_fit_is_not_taken(scene: Scene) -> None:
    root = key_of(scene.data, "root")
    name = f"logs/{LogKeys(scene.data).path(Q2).name}"
    right = (scene.data / "keys" / name).read_bytes()
    wrong = LogKeys(scene.data).path(Q1).read_bytes()
    other = LogKeys(scene.data / "elsewhere")
    other.create(Q2)
    for data in (wrong, b"{}", other.path(Q2).read_bytes()):
        for each in scene.mirrors:
            sealed = backup.seal({name: data}, f"sha256:{_instance(scene)}", public(root))
            each.node.copies.write(f"sealed-keys/{_instance(scene)}", sealed)
        scene.lose(keys=False)
        with scene.up() as us:
            assert not guard.confirm(us.service, us.node)
            assert not LogKeys(scene.data).path(Q2).exists()
    with scene.up() as us:
        for each in scene.mirrors:
            sealed = backup.seal({name: right}, us.instance, public(root))
            each.node.copies.write(f"sealed-keys/{_instance(scene)}", sealed)
        assert guard.confirm(us.service, us.node)


def test_without_the_root_key_the_log_says_what_to_do(
    scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene.lose(keys=False)
    root = scene.data / "keys" / "root"
    root.rename(tmp_path / "root")
    with scene.up() as us, caplog.at_level(logging.ERROR, "althing.federation"):
        assert not guard.confirm(us.service, us.node)
        with pytest.raises(NotFound):
            us.node.own.head(Q2)
        assert us.node.own.head(Q1).checkpoint == scene.heads[Q1], "the others are back"
        for said in (Q2, f"put the root key at {root}", str(LogKeys(scene.data).path(Q2)), "later backup"):
            assert said in caplog.text
        (tmp_path / "root").rename(root)
        assert guard.confirm(us.service, us.node), "it looks again, without a restart"
        assert us.heads() == scene.heads


def _instance(scene: Scene) -> str:
    (folder,) = scene.mirrors[0].node.copies.listing("sealed-keys")
    return folder.removeprefix("sealed-keys/")

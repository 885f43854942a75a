"""Serving copies: the committed size only, any width, and a source that passes an audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation import endpoints, mirror, peers
from federation.endpoints import Answer, Request
from federation.mirror_files import CopyFiles, log_note, tree_hashes
from federation.peers import PeerRow
from governance.audit.run import audit
from governance.errors import NotFound
from governance.log.merkle import Frontier
from governance.log.tiles import Bundle, Tile
from governance.statements.entry import read_entry
from tests.support.ballots import BALLOT_ORIGIN, World, make_world
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node
from tests.support.mirrors import ROUTES, Pair, pair

SPACE = "logs/spaces/nix"


def get(node: SimNode, instance: str, path: str) -> Answer:
    target = f"/mirrors/{instance.removeprefix('sha256:')}/{path}"
    return endpoints.answer(node.node, ROUTES, Request("GET", target, {}))


def copied_pair(size: int) -> Pair:
    two = pair()
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(*(b"entry %d" % i for i in range(log.size, size)))
    two.pull()
    return two


def test_every_file_of_the_original_is_there_byte_for_byte() -> None:
    two = copied_pair(700)
    log = two.them.own.logs["them.example/spaces/nix"]
    for path, data in two.files().items():
        answer = get(two.us, two.peer, path)
        assert answer.status == 200
        if path.endswith("/checkpoint"):
            assert answer.body.startswith(data)
            assert b"us.example/mirror" in answer.body
        else:
            assert answer.body == data
    assert log_note(two.us.node, two.peer, log.origin) == log.checkpoint()
    read_hash = tree_hashes(two.us.node, two.peer, log.origin, 700)
    assert Frontier.load(300, read_hash).root() == log.root(300)


@pytest.mark.parametrize("width", [1, 100, 187, 188])
def test_smaller_widths_are_cut(width: int) -> None:
    two = copied_pair(700)
    log = two.them.own.logs["them.example/spaces/nix"]
    for part in (Bundle(2, width), Tile(0, 2, width), Bundle(0, width), Tile(0, 1, width), Tile(1, 0, 1)):
        assert get(two.us, two.peer, f"{SPACE}/{part.path}").body == log.file(part.path)


@pytest.mark.parametrize(
    "path",
    [
        f"{SPACE}/tile/entries/002.p/189",
        f"{SPACE}/tile/entries/003",
        f"{SPACE}/tile/0/002",
        f"{SPACE}/tile/1/000.p/3",
        f"{SPACE}/tile/2/000.p/1",
        f"{SPACE}/tile/0/000.p/256",
        f"{SPACE}/other",
        "logs/spaces/other/checkpoint",
        "logs/../../secret/checkpoint",
        "blobs/sha256/../../x",
        "blobs/sha256/" + "0" * 64,
        "x",
    ],
)
def test_what_is_not_counted_is_not_there(path: str) -> None:
    two = copied_pair(700)
    assert get(two.us, two.peer, path).status == 404


def test_what_a_running_pull_has_written_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    two = copied_pair(300)
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(*(b"entry %d" % i for i in range(300, 700)))
    two.later()
    served = []

    def settle() -> None:
        served.append(get(two.us, two.peer, f"{SPACE}/checkpoint").body.splitlines()[1])
        assert get(two.us, two.peer, f"{SPACE}/tile/entries/001").status == 404
        assert get(two.us, two.peer, f"{SPACE}/tile/entries/001.p/44").status == 200

    monkeypatch.setattr(two.us.node.copies, "settle", settle)
    two.pull()
    assert served == [b"300"]
    assert get(two.us, two.peer, f"{SPACE}/checkpoint").body.splitlines()[1] == b"700"


def test_a_log_that_is_known_and_not_copied_yet_is_not_served() -> None:
    two = pair()
    two.faults[f"{SPACE}/checkpoint"] = None
    two.pull()
    assert get(two.us, two.peer, "logs/instance/checkpoint").status == 200
    assert get(two.us, two.peer, f"{SPACE}/checkpoint").status == 404
    assert get(two.us, two.peer, f"{SPACE}/vkey").status == 404


def test_media_types_and_cache() -> None:
    two = copied_pair(300)
    tile, head = (get(two.us, two.peer, f"{SPACE}/{name}") for name in ("tile/0/000", "checkpoint"))
    assert (tile.media_type, head.media_type) == ("application/octet-stream", "text/plain; charset=utf-8")
    assert "immutable" in tile.headers["cache-control"]
    assert "immutable" not in head.headers["cache-control"]


def test_another_instance_has_no_copy_here() -> None:
    two = copied_pair(300)
    assert get(two.us, two.us.own.instance, f"{SPACE}/checkpoint").status == 404
    with pytest.raises(NotFound):
        log_note(two.us.node, "sha256:" + "0" * 64, "them.example/spaces/nix")


def world_pair(world: World, files: dict[str, bytes]) -> tuple[SimNode, str]:
    """A node that has copied a whole instance with a decided ballot."""
    network, clock = Network(ROUTES), VirtualClock()
    us = make_node("us.example", network, clock)
    them = make_node("althing.test", network, clock)

    def file(path: str) -> bytes:
        if path not in files:
            raise NotFound(path)
        return files[path]

    them.own.file = file  # type: ignore[method-assign]
    document = read_entry(world.document)
    row = PeerRow(world.instance_id, "https://althing.test", "them", "mirror", "mirror", "", document.data, 1)
    with us.node.db.write() as conn:
        peers.add(conn, row)
    mirror.pull(us.node, world.instance_id)
    return us, world.instance_id


@pytest.mark.parametrize("voters", [3, 300])
def test_a_copy_passes_an_audit_and_one_flipped_bit_does_not(voters: int, tmp_path: Path) -> None:
    world = make_world(voters, seed="copied")
    files = world.files()
    us, peer = world_pair(world, files)
    stored = set(us.node.copies.listing(peer.removeprefix("sha256:")))
    assert {path.partition("/")[2] for path in stored} == set(files)
    source = CopyFiles(us.node, peer)
    for path, data in files.items():
        copied = source.read(path, 1 << 24)
        assert copied.startswith(data) if path.endswith("/checkpoint") else copied == data
    verdict = audit(source)
    assert verdict.passed, [c for c in verdict.checks if not c.passed]
    folder = BALLOT_ORIGIN.partition("/")[2]
    name = f"{peer.removeprefix('sha256:')}/logs/{folder}/tile/entries/000"
    path = next(path for path in stored if path.startswith(name))
    data = us.node.copies.read(path)
    us.node.copies.write(path, data[:900] + bytes([data[900] ^ 1]) + data[901:])
    assert not audit(source).passed
    del tmp_path


def test_a_blob_that_is_not_there_keeps_no_log_waiting() -> None:
    world = make_world(3, seed="copied")
    files = {path: data for path, data in world.files().items() if not path.startswith("blobs/")}
    us, peer = world_pair(world, files)
    assert CopyFiles(us.node, peer).read(f"logs/{BALLOT_ORIGIN.partition('/')[2]}/checkpoint", 1 << 20)


def test_a_blob_with_other_bytes_is_not_stored() -> None:
    world = make_world(3, seed="copied")
    files = {
        path: b"x" * len(data) if path.startswith("blobs/") else data for path, data in world.files().items()
    }
    us, peer = world_pair(world, files)
    assert not [path for path in us.node.copies.listing(peer.removeprefix("sha256:")) if "/blobs/" in path]

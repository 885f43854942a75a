"""What copies of one instance may take on our disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from federation import copy_rows, errands, queue, views
from federation.copies import DiskCopies
from federation.copy_limit import LimitedCopies
from federation.mirror_files import CopyFiles
from federation.node import Node
from governance.errors import StorageUnavailable
from governance.log.checkpoint import open_checkpoint
from governance.log.cosignature import verifier_for
from governance.log.tiles import Bundle
from governance.signing.note import parse_note
from tests.support.fed_memory import MemoryCopies
from tests.support.mirrors import pair


def run(node: Node, peer: str) -> None:
    with node.db.read() as conn:
        (errand,) = [e for e in queue.of_peer(conn, peer) if e.kind == "pull"]
    queue.run(node, errand, errands.KINDS["pull"])


def test_a_file_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    disk = DiskCopies(tmp_path)
    disk.write("a/old", b"12")
    copies = LimitedCopies(disk, 10)
    copies.write("a/new", b"12345678")
    assert copies.used("a") == 10
    with pytest.raises(StorageUnavailable, match="ALTHING_MIRROR_LIMIT"):
        copies.write("a/more", b"1")
    with pytest.raises(StorageUnavailable):
        copies.write("a/old", b"123")
    assert (copies.read("a/old"), list(copies.listing("a"))) == (b"12", ["a/new", "a/old"])
    copies.write("b/theirs", b"1234567890")
    copies.write("a/new", b"1234567")
    copies.write("a/more", b"1")
    copies.remove("a/old")
    copies.remove("a/old")
    assert copies.used("a") == disk.used("a") == 8
    assert REGISTRY.get_sample_value("althing_mirror_stored_bytes", {"peer": "sha256:a"}) == 8


def test_what_a_failing_disk_has_stored_is_measured_again() -> None:
    class Failing(MemoryCopies):
        def write(self, path: str, data: bytes) -> None:
            super().write(path, data[:1])
            raise StorageUnavailable("the disk is full")

    copies = LimitedCopies(Failing(), 10)
    with pytest.raises(StorageUnavailable, match="disk"):
        copies.write("a/b", b"1234")
    assert copies.used("a") == 1


def test_a_peer_that_outgrows_its_room_stays_copied_as_far_as_it_was() -> None:
    two = pair()
    log = two.them.own.logs["them.example/spaces/nix"]
    two.pull()
    queue.plan(two.us.node, {two.peer: {"pull"}})
    node, disk = two.us.node, two.us.node.copies
    size = two.copy(log).size
    home = copy_rows.home(two.peer)
    node.copies = LimitedCopies(disk, disk.used(home) + 100_000)
    log.append(*(bytes(1_000) for _ in range(300)))
    run(node, two.peer)
    assert two.copy(log).size == size
    assert node.copies.used(home) <= node.copies.limit
    served = CopyFiles(node, two.peer)
    head = open_checkpoint(served.read("logs/spaces/nix/checkpoint", 10_000), [verifier_for(log.signer.key)])
    assert head.size == size
    assert served.read(f"logs/spaces/nix/{Bundle(0, size).path}", 100_000)
    lines = {line.key_id for line in parse_note(two.copy(log).cosigned).signatures}
    assert {cosigner.key.key_id for cosigner in node.keys.mirror} <= lines
    shown = views.peer_status(node, two.peer)
    assert shown.stored == node.copies.used(home)
    (error,) = [e.error for e in shown.errands if e.kind == "pull"]
    assert "ALTHING_MIRROR_LIMIT" in error
    node.copies = LimitedCopies(disk, 10_000_000)
    run(node, two.peer)
    assert two.copy(log).size == log.size


class Highest(MemoryCopies):
    """Remembers the most that one instance's copies ever took."""

    most = 0

    def write(self, path: str, data: bytes) -> None:
        super().write(path, data)
        self.most = max(self.most, self.used(path.partition("/")[0]))


@pytest.mark.parametrize("missing", [0, 1])
def test_a_peer_has_its_room_to_the_last_byte(missing: int) -> None:
    def pull(limit: int) -> tuple[int, int, Highest]:
        two = pair()
        log = two.them.own.logs["them.example/spaces/nix"]
        log.append(*(bytes(100) for _ in range(300)))
        disk = Highest()
        two.us.node.copies = LimitedCopies(disk, limit)
        queue.plan(two.us.node, {two.peer: {"pull"}})
        run(two.us.node, two.peer)
        return two.copy(log).size, log.size, disk

    copied, size, disk = pull(1 << 30)
    assert copied == size
    copied, size, disk = pull(disk.most - missing)
    assert copied == (0 if missing else size)

"""Scrubbing: what rots on our disk is found, repaired from whoever has it, and not cosigned until then."""

from __future__ import annotations

import pytest

from federation import scrub
from federation.node import Node
from governance.log.tiles import encode_bundle
from tests.support.fed_nodes import MemoryLog, make_node
from tests.support.mirrors import Pair, acquaint, pair, public_log

SPACE = "logs/spaces/nix"


def copied_pair(size: int) -> tuple[Pair, MemoryLog]:
    two = pair()
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(*(b"entry %d" % i for i in range(log.size, size)))
    two.pull()
    return two, log


def at(two: Pair, name: str) -> str:
    return f"{two.peer.removeprefix('sha256:')}/{SPACE}/{name}"


def spoil(node: Node, path: str, how: str) -> None:
    data = node.copies.read(path)
    if how == "missing":
        node.copies.remove(path)
    elif how == "flipped":
        node.copies.write(path, data[:5] + bytes([data[5] ^ 1]) + data[6:])
    elif how == "cut":
        node.copies.write(path, data[:-1])
    else:
        node.copies.write(path, encode_bundle([b"other"] * 256))


def is_whole(two: Pair, log: MemoryLog) -> bool:
    files = {path: data for path, data in two.files().items() if path.startswith(SPACE)}
    return files == public_log(log, SPACE)


@pytest.mark.parametrize("how", ["missing", "flipped", "cut", "other"])
@pytest.mark.parametrize(
    "name", ["tile/entries/000", "tile/entries/002.p/188", "tile/0/001", "tile/1/000.p/2", "tile/0/002.p/188"]
)
def test_what_rots_is_repaired_from_the_original(name: str, how: str) -> None:
    two, log = copied_pair(700)
    spoil(two.us.node, at(two, name), how)
    assert not is_whole(two, log)
    two.later(scrub.EVERY + 1)
    scrub.scrub(two.us.node)
    assert is_whole(two, log)
    assert two.copy(log).damaged is None


def test_several_files_of_one_log_are_repaired() -> None:
    two, log = copied_pair(700)
    spoil(two.us.node, at(two, "tile/1/000.p/2"), "flipped")
    spoil(two.us.node, at(two, "tile/entries/000"), "flipped")
    spoil(two.us.node, at(two, "tile/entries/001"), "missing")
    two.later(scrub.EVERY + 1)
    scrub.scrub(two.us.node)
    assert is_whole(two, log)


def test_a_copy_of_a_third_instance_repairs_as_well() -> None:
    two, log = copied_pair(700)
    third = make_node("third.example", two.network, two.clock)
    acquaint(third, two.them)
    acquaint(two.us, third)
    from federation import mirror

    mirror.pull(third.node, two.peer)
    two.network.drop = lambda _sender, host: host == "them.example"
    spoil(two.us.node, at(two, "tile/entries/001"), "flipped")
    two.later(scrub.EVERY + 1)
    scrub.scrub(two.us.node)
    assert is_whole(two, log)


def test_what_nobody_has_is_marked_and_not_cosigned_until_it_is_repaired() -> None:
    two, log = copied_pair(700)
    two.network.drop = lambda _sender, _host: True
    spoil(two.us.node, at(two, "tile/entries/001"), "flipped")
    two.later(scrub.EVERY + 1)
    scrub.scrub(two.us.node)
    assert two.copy(log).damaged
    rest = {path: data for path, data in two.files().items() if path.startswith(f"{SPACE}/tile")}
    del rest[f"{SPACE}/tile/entries/001"]
    assert rest.items() <= public_log(log, SPACE).items()
    two.network.drop = lambda _sender, _host: False
    log.append(b"more")
    two.pull()
    assert two.copy(log).size == 700
    two.later(scrub.AGAIN + 1)
    scrub.scrub(two.us.node)
    assert two.copy(log).damaged is None
    two.later()
    two.pull()
    assert two.copy(log).size == 701
    assert is_whole(two, log)


def test_a_pull_that_meets_damage_leaves_it_to_the_scrub() -> None:
    two, log = copied_pair(700)
    spoil(two.us.node, at(two, "tile/1/000.p/2"), "flipped")
    log.append(b"more")
    two.later()
    two.pull()
    assert two.copy(log).damaged
    two.later()
    scrub.scrub(two.us.node)
    two.pull()
    assert is_whole(two, log)
    assert two.copy(log).size == 701


def test_one_run_is_bounded_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "BUNDLES", 2)
    two, log = copied_pair(1_500)
    two.later(scrub.EVERY + 1)
    spoil(two.us.node, at(two, "tile/entries/004"), "flipped")
    runs = 0
    while scrub.scrub(two.us.node):
        runs += 1
        assert runs < 10
    assert runs == 4
    assert is_whole(two, log)


def test_there_is_nothing_to_do_between_passes() -> None:
    two, _ = copied_pair(300)
    two.later(scrub.EVERY + 1)
    assert scrub.scrub(two.us.node) == 3
    assert scrub.scrub(two.us.node) == 0

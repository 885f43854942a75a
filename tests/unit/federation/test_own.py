"""The own instance as federation sees it: the very bytes that HTTP serves, orders, evidence, keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from federation import backup
from federation.own import StoreFiles
from governance.canonical import digest
from governance.errors import NotFound, TooLarge, Unavailable
from governance.log.evidence import same_size
from governance.log.proofs import verify_consistency
from governance.log.tiles import Bundle, Tile, bundles_for, tiles_for
from governance.service.instance import key_of
from governance.service.log_keys import LogKeys
from governance.signing.keyfile import Ed25519Key
from tests.support.fed_nodes import MemoryLog, Network, VirtualClock
from tests.support.fed_service import HOST, Real, mirror_at, real
from tests.support.people import key, recorded

LIMIT = 20_000_000
BALLOT = f"{HOST}/spaces/nix/ballots/q1"


@pytest.fixture
def us(tmp_path: Path) -> Iterator[Real]:
    with real(tmp_path / "data", Network(), VirtualClock()) as made:
        here = made.running.community
        here.found()
        here.enrol(key(100), key(101))
        here.open()
        recorded(here.cast(key(100), ["a"]))
        recorded(here.order("close"))
        yield made


def paths(us: Real) -> list[str]:
    found = [".well-known/althing.json"]
    for head in us.node.own.heads():
        folder = f"logs/{head.origin.removeprefix(HOST + '/')}"
        parts: list[Tile | Bundle] = [*tiles_for(0, head.size), *bundles_for(0, head.size)]
        found += [f"{folder}/{name}" for name in ("checkpoint", "vkey", *(part.path for part in parts))]
    return found


def test_every_file_is_what_http_serves(us: Real) -> None:
    files = us.node.own.files()
    names = paths(us)
    assert len(names) > 12
    for name in names:
        answer = us.running.client.get(f"/{name}")
        assert answer.status_code == 200, name
        assert files.read(name, LIMIT) == answer.content, name
    assert list(files.read_many(names, LIMIT)) == [files.read(name, LIMIT) for name in names]
    assert files.listing() is None


def test_blobs_are_among_them(us: Real) -> None:
    evidence = _evidence(us)
    us.node.own.log_evidence("other.example/log", evidence)
    name = f"blobs/sha256/{digest(evidence).removeprefix('sha256:')}"
    assert us.node.own.files().read(name, LIMIT) == evidence == us.running.client.get(f"/{name}").content


@pytest.mark.parametrize(
    "path",
    ["", "logs", "logs/", "logs/none/checkpoint", "logs/spaces/nix/tile/0/001", "logs/spaces/nix/none",
     "blobs/sha256/" + "0" * 64, "../keys/root", "logs/../../keys/root", ".well-known/x",
     "keys/root", "logs/spaces/nix/tile/entries/000.p/255", "\0"],
    ids=repr,
)  # fmt: skip
def test_anything_else_is_not_there(us: Real, path: str) -> None:
    with pytest.raises(NotFound):
        us.node.own.files().read(path, LIMIT)


def test_limits(us: Real) -> None:
    files = StoreFiles(us.service)
    size = len(files.read("logs/instance/checkpoint", LIMIT))
    assert files.read("logs/instance/checkpoint", size)
    with pytest.raises(TooLarge):
        files.read("logs/instance/checkpoint", size - 1)


def test_heads_and_consistency(us: Real) -> None:
    own = us.node.own
    heads = own.heads()
    assert [head.origin for head in heads] == [f"{HOST}/instance", f"{HOST}/spaces/nix", BALLOT]
    assert own.head(BALLOT) == heads[2]
    root = LogKeys(us.running.data).load(BALLOT)
    assert str(root.key) == heads[2].vkey
    recorded(us.running.community.define(us.running.community.definition("q2")))
    with pytest.raises(NotFound):
        own.head(f"{HOST}/spaces/other")
    old = heads[1]
    us.running.community.enrol(key(102))
    new = own.head(old.origin)
    proof = own.consistency(old.origin, old.size, new.size)
    verify_consistency(old.size, old.root, new.size, new.root, proof)


def test_orders_of_the_operator(us: Real) -> None:
    other = mirror_at("m.example", Network(), VirtualClock())
    assert us.node.own.decisions() == {}
    us.order(other, "observer")
    us.order(other, "mirror")
    (decision,) = us.node.own.decisions().values()
    assert (decision.order.peer, decision.order.state) == (other.own.instance, "mirror")
    assert us.running.client.get("/api/v1/peers").json()["items"][0]["order"] == decision.digest


def _evidence(us: Real) -> bytes:
    one, other = MemoryLog("other.example/log", b"s" * 32), MemoryLog("other.example/log", b"s" * 32)
    one.append(b"one")
    other.append(b"other")
    return same_size(one.vkey, one.checkpoint(), other.checkpoint())


def test_evidence_is_logged_once_whoever_asks(us: Real) -> None:
    own = us.node.own
    size = own.head(f"{HOST}/instance").size
    for _ in range(3):
        own.log_evidence("other.example/log", _evidence(us))
    assert own.head(f"{HOST}/instance").size == size + 1


def test_sealed_keys_are_all_but_the_root_and_the_cosigners(us: Real, tmp_path: Path) -> None:
    root = key_of(tmp_path / "data", "root", create=False)
    assert isinstance(root, Ed25519Key)
    bundle = backup.unseal(us.node.own.sealed_keys(), root)
    assert bundle.instance == us.instance
    assert {"service", "operator", "http"} < set(bundle.files)
    logs = {f"logs/{LogKeys(tmp_path / 'data').path(h.origin).name}" for h in us.node.own.heads()}
    assert logs < set(bundle.files)
    assert not {"root", "witness", "mirror"} & set(bundle.files)


def test_who_is_held_seals_no_keys(us: Real) -> None:
    """An old backup may lack some, and the peer would keep the poorer bundle in the place of the good one."""
    us.service.sequencer.hold(["so"])
    with pytest.raises(Unavailable):
        us.node.own.sealed_keys()

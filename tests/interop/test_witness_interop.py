"""Our witness and our client opposite Go programs over HTTP: x/mod's notes and trees."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from federation.client import Client
from federation.cosigning import cosign
from federation.node import Node
from federation.witness_routes import ROUTES
from governance.errors import BadProof, Behind
from governance.log.cosignature import Ed25519Cosigner
from governance.log.policy import Policy, PolicyWitness
from governance.signing.note import Ed25519Signer, add_signatures, parse_note, parse_vkey
from governance.statements.entry import read_entry
from governance.statements.instance import Instance
from tests.support.gowitness import Gowitness, gowitness, serving
from tests.support.growing_logs import GrowingLog, Own, served, witness_node
from tests.support.server import running

__all__ = ["gowitness"]

ORIGIN = "go.example/log"
SEED = bytes(range(32))
OUR_LOG = GrowingLog("us.example/log")


def now() -> int:
    return int(time.time())


def go_log() -> GrowingLog:
    """The Go log as our witness knows it: its key."""
    log = GrowingLog(ORIGIN)
    log.signer = Ed25519Signer(ORIGIN, SEED)
    return log


def test_both_sides_name_keys_alike(gowitness: Gowitness) -> None:
    log, cosigner = Ed25519Signer(ORIGIN, SEED).key, Ed25519Cosigner(ORIGIN, SEED).key
    assert gowitness("key", ORIGIN, SEED.hex()).stdout == f"{log}\n{cosigner}\n"


def test_our_witness_cosigns_a_go_log(gowitness: Gowitness, tmp_path: Path) -> None:
    """Twelve requests, right and wrong ones; the expected statuses and the checks are the Go program's."""
    node = witness_node(tmp_path, go_log(), clock=now)
    with served(node, ROUTES) as url:
        run = gowitness("log", ORIGIN, SEED.hex(), f"{url}/witness", str(node.keys.witness[0].key))
    assert run.stderr == ""
    statuses = [line.split()[0] for line in run.stdout.splitlines()]
    assert statuses == ["400", "200", "422", "404", "403", "200", "409", "200", "422", "200", "409", "200"]
    node.db.close()  # type: ignore[attr-defined]


def test_a_running_instance_cosigns_a_go_log(gowitness: Gowitness, tmp_path: Path) -> None:
    """The same over `althing serve`, with the witness's key as the identity document names it."""
    data = tmp_path / "instance"
    data.mkdir()
    (data / "federation.policy").write_text(f"log {Ed25519Signer(ORIGIN, SEED).key}\nquorum none\n")
    with running(tmp_path, "--post-quantum", "on") as server:
        document = read_entry(httpx.get(f"{server.url}/.well-known/althing.json").content).statement
        assert isinstance(document, Instance)
        assert document.federation is not None
        vkeys = [parse_vkey(text) for text in document.federation.witnesses]
        assert [(key.name.rpartition("/")[2], key.kind) for key in vkeys] == [
            ("witness", 4),
            ("witness", 6),
            ("mirror", 4),
            ("mirror", 6),
        ]
        run = gowitness("log", ORIGIN, SEED.hex(), f"{server.url}/witness", str(vkeys[0]))
    assert run.stderr == ""
    assert len(run.stdout.splitlines()) == 12


def test_the_go_log_notices_another_witness(gowitness: Gowitness, tmp_path: Path) -> None:
    node = witness_node(tmp_path, go_log(), clock=now)
    other = Ed25519Cosigner("us.example/witness", b"x" * 32).key
    with served(node, ROUTES) as url:
        run = gowitness("log", ORIGIN, SEED.hex(), f"{url}/witness", str(other))
    assert run.returncode == 1
    assert "1 known signatures" in run.stderr
    node.db.close()  # type: ignore[attr-defined]


def asking(folder: Path, **witnesses: tuple[str, Ed25519Cosigner]) -> tuple[Node, Own]:
    """A node with one log, and witnesses by name in its policy: URL and key."""
    own = Own(OUR_LOG)
    known = tuple(PolicyWitness(name, key.key, url) for name, (url, key) in witnesses.items())
    client = Client(httpx.HTTPTransport(), lambda *_: {})
    return witness_node(folder, own=own, client=client, clock=now, foreign=Policy(witnesses=known)), own


def test_go_witnesses_cosign_our_log(gowitness: Gowitness, tmp_path: Path) -> None:
    """Two Go witnesses and ours; the Go client accepts what all of them signed under a quorum."""
    names = [f"w{i}.go.example" for i in range(2)]
    keys = [Ed25519Cosigner(name, bytes([i]) * 32) for i, name in enumerate(names)]
    log = str(OUR_LOG.signer.key)
    with serving(names[0], bytes([0]) * 32, log) as one, serving(names[1], bytes([1]) * 32, log) as two:
        node, own = asking(tmp_path / "us", a=(one, keys[0]), b=(two, keys[1]))
        for size in (1, 2, 3, 255, 256, 300):
            own.sizes[OUR_LOG.origin] = size
            node.asked.clear()
            for name in ("a", "b"):
                assert cosign(node, f"witness:{name}") is None
            path = tmp_path / "note"
            path.write_bytes(own.notes[OUR_LOG.origin, size])
            accepts(gowitness, path, size, keys)
    node.db.close()  # type: ignore[attr-defined]


def accepts(gowitness: Gowitness, path: Path, size: int, keys: list[Ed25519Cosigner]) -> None:
    log = str(OUR_LOG.signer.key)
    vkeys = [str(key.key) for key in keys]
    run = gowitness("check", "2", log, path, *vkeys)
    assert run.stderr == ""
    assert run.stdout == f"ok size={size} cosigned by {' '.join(key.key.name for key in keys)}\n"
    assert "cosigned by 1 of 2" in gowitness("check", "2", log, path, vkeys[0]).stderr
    assert gowitness("check", "3", log, path, *vkeys).returncode == 1
    data = path.read_bytes()
    lines = parse_note(data).signatures
    text = parse_note(data).text
    for changed in (
        data.replace(f"\n{size}\n".encode(), f"\n{size + 1}\n".encode()),
        add_signatures(text + b"\n" + str(lines[0]).encode(), lines[1:2]),
    ):
        path.write_bytes(changed)
        assert gowitness("check", "2", log, path, *vkeys).returncode == 1


def test_a_go_client_accepts_what_our_witnesses_signed(gowitness: Gowitness, tmp_path: Path) -> None:
    """Our client, two of our witnesses, checked by Go under a quorum of two; ML-DSA lines are passed over."""
    nodes = [witness_node(tmp_path / str(i), OUR_LOG, clock=now, post_quantum=i == 1) for i in range(2)]
    keys = [Ed25519Cosigner(f"w{i}.example/witness", bytes([i]) * 32) for i in range(2)]
    for key, witness in zip(keys, nodes, strict=True):
        witness.keys = type(witness.keys)(witness.keys.http, (key, *witness.keys.witness[1:]), ())
    with served(nodes[0], ROUTES) as one, served(nodes[1], ROUTES) as two:
        node, own = asking(tmp_path / "us", a=(f"{one}/witness", keys[0]), b=(f"{two}/witness/", keys[1]))
        own.sizes[OUR_LOG.origin] = 300
        cosign(node, "witness:a")
        cosign(node, "witness:b")
    path = tmp_path / "note"
    path.write_bytes(own.notes[OUR_LOG.origin, 300])
    accepts(gowitness, path, 300, keys)
    for each in (node, *nodes):
        each.db.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("fork", [None, 2])
def test_a_go_witness_tells_us_of_our_own_past(
    gowitness: Gowitness, tmp_path: Path, fork: int | None
) -> None:
    key = Ed25519Cosigner("w.go.example", bytes(32))
    with serving("w.go.example", bytes(32), str(OUR_LOG.signer.key)) as url:
        before, own = asking(tmp_path / "before", a=(url, key))
        own.sizes[OUR_LOG.origin] = 9
        cosign(before, "witness:a")
        after, own = asking(tmp_path / "after", a=(url, key))
        own.logs[OUR_LOG.origin] = GrowingLog(OUR_LOG.origin, fork=fork)
        own.sizes[OUR_LOG.origin] = 5 if fork is None else 12
        with pytest.raises(Behind):
            cosign(after, "witness:a")
    for node in (before, after):
        node.db.close()  # type: ignore[attr-defined]


def test_a_go_witness_refuses_what_does_not_extend(gowitness: Gowitness, tmp_path: Path) -> None:
    key = Ed25519Cosigner("w.go.example", bytes(32))
    with serving("w.go.example", bytes(32), str(OUR_LOG.signer.key)) as url:
        node, own = asking(tmp_path / "us", a=(url, key))
        own.sizes[OUR_LOG.origin] = 4
        cosign(node, "witness:a")
        own.consistency = lambda *_: [bytes(32)]  # type: ignore[method-assign]
        own.sizes[OUR_LOG.origin] = 9
        node.asked.clear()
        with pytest.raises((BadProof, Behind)):
            cosign(node, "witness:a")
        assert (OUR_LOG.origin, 9) not in own.notes
    node.db.close()  # type: ignore[attr-defined]

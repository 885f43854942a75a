"""Peers as witnesses of each other: which logs are known, when trust ends, what is asked of whom."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from federation import peers, seen, witness, witness_routes
from federation.cosigning import WINDOW, cosign
from federation.peers import PeerRow
from governance.errors import GovernanceError, NotAuthorised
from governance.log.cosignature import open_cosigned, verifier_for
from governance.signing.note import parse_vkey
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node


def knows(node: SimNode, other: SimNode, state: str = "mirror", **changes: Any) -> PeerRow:
    """Store what node knows of other after they have met."""
    document = other.own.document()
    row = PeerRow(
        other.own.instance, other.own.base_url, state=state, theirs="mirror", document=document.data
    )
    with node.node.db.write() as conn:
        peers.add(conn, row)
    peers.change(node.node, row.id, **asdict(replace(row, **changes)))
    return row


@pytest.fixture
def two() -> tuple[SimNode, SimNode]:
    for buckets in (witness.KNOWN, witness.UNKNOWN):
        buckets._buckets.clear()
    clock, network = VirtualClock(), Network(routes=witness_routes.ROUTES)
    one, other = (make_node(f"{name}.example", network, clock, pq=name == "b") for name in "ab")
    return one, other


def size_seen(node: SimNode, origin: str) -> int | None:
    with node.node.db.read() as conn:
        row = seen.get(conn, origin)
    return None if row is None else row.size


def test_a_peers_instance_log_is_known_from_its_document(two: tuple[SimNode, SimNode]) -> None:
    us, them = two
    knows(us, them)
    knows(them, us)
    log = us.own.instance_log
    space = us.own.add_space("garden")
    assert cosign(us.node, them.own.instance) == 30
    assert us.own.notes[log.origin].keys() == {log.size}
    keys = [verifier_for(parse_vkey(text)) for text in them.own.keys.vkeys]
    opened = open_cosigned(us.own.notes[log.origin][log.size], [verifier_for(log.signer.key)], keys)
    assert {(c.key.name, c.key.kind) for c in opened.cosignatures} == {
        ("b.example/witness", 4),
        ("b.example/witness", 6),
    }
    assert space.origin not in us.own.notes, "the space's log they only know once they have read the notice"


def test_who_is_not_followed_is_not_witnessed(two: tuple[SimNode, SimNode]) -> None:
    us, them = two
    knows(us, them)
    origin = us.own.instance_log.origin
    for state in ("pending", "observer", "blocked"):
        knows(them, us, state)
        us.clock.now += WINDOW
        assert cosign(us.node, them.own.instance) == 30
        assert size_seen(them, origin) is None
    knows(them, us, "partner")
    us.clock.now += WINDOW
    cosign(us.node, them.own.instance)
    size = us.own.instance_log.size
    assert size_seen(them, origin) == size
    us.own.add_space("garden")
    for changes in ({"state": "blocked"}, {"quarantine": "another root"}):
        knows(them, us, **changes)
        us.clock.now += WINDOW
        with pytest.raises(NotAuthorised):
            cosign(us.node, them.own.instance)
    assert size_seen(them, origin) == size, "the memory stays when the trust ends"
    knows(them, us)
    us.clock.now += WINDOW
    cosign(us.node, them.own.instance)
    assert size_seen(them, origin) == us.own.instance_log.size


def test_two_documents_that_claim_one_log(two: tuple[SimNode, SimNode]) -> None:
    us, them = two
    thief = make_node("c.example", Network(), us.clock)
    thief.own.publish_document(origin=us.own.instance_log.origin)
    knows(us, them)
    knows(them, us)
    knows(them, thief)
    assert cosign(us.node, them.own.instance) == 30
    assert us.own.notes == {}


def test_a_witness_whose_document_names_no_keys(two: tuple[SimNode, SimNode]) -> None:
    us, them = two
    them.own.publish_document(federation=None)
    knows(us, them)
    knows(them, us)
    with pytest.raises(GovernanceError):
        cosign(us.node, them.own.instance)
    assert us.own.notes == {}

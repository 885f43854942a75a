"""The identity documents between two serials, from a peer's instance log."""

from __future__ import annotations

from typing import Final

from federation import peers
from federation.node import Node
from federation.peers import PeerRow
from governance import limits
from governance.errors import GovernanceError, IdentityChanged
from governance.log.checkpoint import open_checkpoint
from governance.log.tiles import bundles_for, parse_bundle
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import Instance

_ENTRIES: Final = 100_000


def documents_since(node: Node, row: PeerRow, new: Instance, serial: int) -> list[Entry]:
    """The peer's documents after that serial, oldest first; for a root that changed since.

    Args:
        node: ours.
        row: the peer.
        new: its newest document, which names the log.
        serial: of the last document known.

    Whether they follow each other is for `identity.check_chain` to say: nothing here is believed.

    Raises:
        IdentityChanged: the log is longer than we would search.
        Unavailable, Malformed, Refused: the log cannot be read.
    """
    base = peers.url_of(row, "/logs/instance")
    note = node.client.get(f"{base}/checkpoint", limits.NOTE).body
    head = open_checkpoint(note, [Ed25519Verifier(parse_vkey(new.vkey))])
    if head.size > _ENTRIES:
        raise IdentityChanged("the root key has changed, and the instance log is too long to search")
    found = []
    for bundle in bundles_for(0, head.size):
        data = node.client.get(f"{base}/{bundle.path}", limits.ENTRY_BUNDLE).body
        found += [entry for raw in parse_bundle(data, bundle.width) if (entry := _document(raw, serial))]
    return found


def _document(data: bytes, serial: int) -> Entry | None:
    try:
        entry = read_entry(data)
    except GovernanceError:
        return None
    statement = entry.statement
    return entry if isinstance(statement, Instance) and statement.serial > serial else None

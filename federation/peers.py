"""Other instances: whom our operator trusts how far, and what is known of each.

States are steps of trust, and only the operator's signed order moves between them: `pending` (asked, or not
decided), `observer` (may talk to us), `mirror` (we copy its logs and cosign them), `partner` (and we decide
together), `blocked`. No trust passes on: what a peer says about its peers is hearsay.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Final

import sqlalchemy as sa

from federation import http_signatures, queue
from federation.endpoints import Request
from federation.identity import PROTOCOL
from federation.node import Node
from federation.tables import nonces, peers
from governance.errors import BadSignature, NotAuthorised, NotFound, RateLimited
from governance.log.cosignature import verifier_for
from governance.signing.note import Verifier, parse_vkey
from governance.statements.base import Key
from governance.statements.entry import read_entry
from governance.statements.instance import Instance
from governance.statements.peer import Peer
from governance.store.rows import add_rows

# Made once: building a statement costs several times what executing it does.
_by_id: Final = sa.select(peers).where(peers.c.id == sa.bindparam("peer"))
_everybody: Final = sa.select(peers).order_by(peers.c.id)
_expire: Final = sa.delete(nonces).where(nonces.c.expires < sa.bindparam("now"))
_remembered: Final = sa.select(sa.func.count()).where(nonces.c.sender == sa.bindparam("of"))
FOLLOWING: Final = frozenset({"mirror", "partner"})
PENDING: Final = 1_000
"""Requests for peering that wait for a decision; more are refused."""
NONCES: Final = 100_000
"""Nonces remembered of one peer; a peer that sends more within ten minutes has to wait."""


@dataclass(frozen=True)
class PeerRow:
    """A peer as stored (`federation.tables.FedPeer`)."""

    id: str
    base_url: str
    name: str = ""
    state: str = "pending"
    theirs: str | None = None
    reason: str = ""
    document: bytes = b""
    serial: int = 0
    checked_at: int = 0
    contact_at: int = 0
    skew: int = 0
    quarantine: str | None = None

    @cached_property
    def instance(self) -> Instance | None:
        """The pinned identity document; None before there is one."""
        return _parsed(self.document)

    @property
    def follows(self) -> bool:
        """Whether we copy and cosign its logs."""
        return self.state in FOLLOWING and self.quarantine is None

    @property
    def followed(self) -> bool:
        """Whether it said that it copies and cosigns ours."""
        return self.theirs in FOLLOWING and self.state not in {"pending", "blocked"}

    @property
    def understood(self) -> bool:
        """Whether it speaks a version of the protocol that we do; of another one only files are read."""
        document = self.instance
        part = None if document is None else document.federation
        return part is None or (part.protocol.min <= PROTOCOL.max and PROTOCOL.min <= part.protocol.max)

    @property
    def http_key(self) -> Key | None:
        """The key that its requests are signed with."""
        document = self.instance
        return None if document is None or document.federation is None else document.federation.http_key

    @property
    def wanted(self) -> set[str]:
        """The errands that its state asks for; none at all before the operator has decided."""
        if self.state in {"pending", "blocked"}:
            return set()
        kinds = {"identity"}
        if not self.understood:
            return kinds | ({"pull"} if self.follows else set())
        if self.document and self.quarantine is None:
            kinds |= {"greet", "tell", "compare"}
            kinds |= {"pull", "keys"} if self.follows else set()
            kinds |= {"cosign", "push"} if self.followed else set()
        return kinds


@lru_cache(maxsize=1024)
def _parsed(document: bytes) -> Instance | None:
    statement = read_entry(document).statement if document else None
    return statement if isinstance(statement, Instance) else None


def get(conn: sa.Connection, peer: str) -> PeerRow | None:
    """The peer of an instance id."""
    row = conn.execute(_by_id, {"peer": peer}).mappings().first()
    return None if row is None else PeerRow(**row)


def require(node: Node, peer: str) -> PeerRow:
    """The peer of an instance id.

    Raises:
        NotFound: there is none.
    """
    with node.db.read() as conn:
        row = get(conn, peer)
    if row is None:
        raise NotFound(f"there is no peer {peer[:80]}")
    return row


def everybody(conn: sa.Connection) -> list[PeerRow]:
    """All peers, by id."""
    return [PeerRow(**row) for row in conn.execute(_everybody).mappings()]


# Several threads learn about a peer at once: each writes the columns that it has learned, never a whole row.


def add(conn: sa.Connection, row: PeerRow) -> None:
    """Know a peer from now on; one that is known stays as it is."""
    add_rows(conn, peers, [asdict(row)])


def change(node: Node, peer: str, **values: object) -> None:
    """Change columns of a peer's row, if it is still there."""
    with node.db.write() as conn:
        conn.execute(sa.update(peers).where(peers.c.id == peer).values(**values))


def pin(conn: sa.Connection, old: PeerRow, document: bytes, **values: object) -> bool:
    """Pin a document that follows the one in `old`; False, and nothing, if another was pinned since then."""
    unchanged = sa.or_(peers.c.document == old.document, peers.c.document == document)
    pinned = sa.update(peers).where(peers.c.id == old.id, unchanged).values(document=document, **values)
    return conn.execute(pinned).rowcount == 1


def url_of(row: PeerRow, path: str) -> str:
    """The address of a path below the peer's base URL."""
    return f"{row.base_url}{path}"


def witness_verifiers(row: PeerRow) -> list[Verifier]:
    """The verifiers of its cosigner keys, witness and mirror."""
    document = row.instance
    if document is None or document.federation is None:
        return []
    return [verifier_for(parse_vkey(text)) for text in document.federation.witnesses]


def settle(node: Node) -> None:
    """Bring the rows to what the operator decided, and plan the errands that follow from it."""
    with node.settling:
        rows, changed = _decided(node)
        wanted = {row.id: row.wanted for row in rows}
        wanted |= {foreign_id(w.name): {"cosign"} for w in node.foreign.witnesses if w.url is not None}
        queue.plan(node, wanted)
        for peer in changed:
            queue.wake(node, peer)


def _decided(node: Node) -> tuple[list[PeerRow], list[str]]:
    """All rows, and the peers about whom something was decided that the rows did not say."""
    with node.db.read() as conn:
        rows = everybody(conn)
    known = {row.id: _order_of(row) for row in rows}
    decided = {peer: _order_of(decision.order) for peer, decision in node.own.decisions().items()}
    changed = [peer for peer, order in decided.items() if order != known.get(peer)]
    if not changed:
        return rows, []
    with node.db.write() as conn:
        for peer in changed:
            add(conn, PeerRow(peer, decided[peer]["base_url"]))
            conn.execute(sa.update(peers).where(peers.c.id == peer).values(**decided[peer]))
        return everybody(conn), changed


def _order_of(said: PeerRow | Peer) -> dict[str, str]:
    """The columns that are the operator's alone."""
    return {"base_url": said.base_url, "state": said.state, "reason": said.reason}


def foreign_id(name: str) -> str:
    """What a witness of other software is called among the peers of errands."""
    return f"witness:{name}"


class _Remembered:
    """The nonces of signed requests, in the database (`http_signatures.Nonces`)."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def use(self, keyid: str, nonce: str, expires: int) -> bool:
        """Whether the nonce is new; remembers it until it expires."""
        with self._node.db.write() as conn:
            conn.execute(_expire, {"now": self._node.clock()})
            known = conn.scalar(_remembered, {"of": keyid}) or 0
            if known >= NONCES:
                raise RateLimited("too many requests of this peer", retry_after=60)
            return add_rows(conn, nonces, [{"sender": keyid, "nonce": nonce, "expires": expires}]) == 1


def verify(node: Node, request: Request, lookup: http_signatures.Lookup) -> str:
    """The instance id that signed a request, under the key that lookup gives.

    Raises:
        Malformed, Refused: the signature is missing, wrong, too old, or was used before.
    """
    return http_signatures.verify_request(
        request.method,
        request.target,
        request.headers,
        request.body,
        node.own.base_url,
        lookup=lookup,
        now=node.clock(),
        nonces=_Remembered(node),
    )


def require_sender(node: Node, request: Request) -> PeerRow:
    """The known peer that signed a request; what had failed with it is due again.

    A key that does not fit is looked up anew once in five minutes: the peer may have rotated it.

    Raises:
        NotAuthorised: nobody we know, blocked, or not decided yet; BadSignature and others as `verify`.
    """
    from federation.introductions import refresh

    try:
        sender = verify(node, request, lambda keyid: _known_key(node, keyid))
    except BadSignature:
        claimed = http_signatures.claimed_keyid(request.headers)
        if claimed is None or not refresh(node, claimed):
            raise
        sender = verify(node, request, lambda keyid: _known_key(node, keyid))
    row = require(node, sender)
    heard(node, row)
    return row


def heard(node: Node, row: PeerRow) -> None:
    """Note a valid sign of life."""
    now = node.clock()
    if now - row.contact_at >= 5:
        change(node, row.id, contact_at=now)
    queue.revive(node, row.id)


def _known_key(node: Node, keyid: str) -> Key:
    with node.db.read() as conn:
        row = get(conn, keyid)
    key = None if row is None else row.http_key
    if row is None or key is None or row.state == "pending":
        raise NotAuthorised("this instance has not accepted yours as a peer (yet)")
    if row.state == "blocked":
        raise NotAuthorised(f"this instance has blocked yours: {row.reason}")
    if row.quarantine is not None:
        raise NotAuthorised(f"this instance does not trust yours at present: {row.quarantine}")
    return key

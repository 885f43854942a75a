"""The instance's own log: identity documents, its spaces, its peers, and evidence against others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from governance.errors import InvalidStatement, NotAuthorised, StaleRevision, Unsupported
from governance.log.lineage import name_of, next_origin, origin_of, place_of
from governance.replay.authority import InstanceKeys, require_operator, require_service
from governance.signing.note import parse_vkey
from governance.statements.entry import Entry, key_id, verify_signer
from governance.statements.instance import Instance, LogSuccessor, SpaceNotice, instance_id
from governance.statements.peer import Evidence, Peer

WEEK = 7 * 86_400
"""Longest validity of an identity document, seconds."""


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """The operator's last order about a peer, the digest that names it, and its index in the log."""

    statement: Peer
    digest: str
    index: int


@dataclass(slots=True)
class InstanceState:
    """Fold of an instance's log; `document` is the latest identity document, with its digest and index.

    `successors` are by the name of the logs, in their order.
    """

    origin: str
    size: int = 0
    document: Instance | None = None
    document_digest: str | None = None
    document_index: int = 0
    keys: InstanceKeys = field(default_factory=InstanceKeys)
    spaces: dict[str, SpaceNotice] = field(default_factory=dict)
    peers: dict[str, PeerRecord] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    successors: dict[str, list[LogSuccessor]] = field(default_factory=dict)

    def admit(self, index: int, entry: Entry) -> None:
        """Fold one entry.

        Raises:
            Refused: with the rule it breaks; the state is unchanged.
        """
        if index != self.size:
            raise InvalidStatement(f"entry {index} does not follow a log of {self.size} entries")
        statement = entry.statement
        if isinstance(statement, Instance):
            self._document(statement, entry)
        elif self.document is None:
            raise NotAuthorised("the log does not begin with an identity document")
        elif isinstance(statement, SpaceNotice):
            self._space(statement, entry)
        elif isinstance(statement, Peer):
            self._peer(statement, entry)
        elif isinstance(statement, LogSuccessor):
            self._succeed(statement, entry)
        elif isinstance(statement, Evidence):
            self._require_service(entry)
            self.evidence.append(statement)
        else:
            raise Unsupported(f"an instance's log holds no {statement.KIND}")
        self.size += 1

    def _document(self, new: Instance, entry: Entry) -> None:
        if new.origin != self.origin:
            raise InvalidStatement(f"this log is {self.origin}", pointer="/origin")
        old = self.document
        if old is None:
            check_first(new, entry)
        else:
            check_next(old, self.document_digest, new, entry)
        self._check_revoked(old, new)
        self.document, self.document_digest, self.document_index = new, entry.identity, self.size
        self.keys.instance, self.keys.root = new.id, new.root
        self.keys.services[key_id(new.service)] = new.service
        self.keys.operators = {o.id: o.key for o in new.operators}
        self.keys.once += [pair for pair in self.keys.operators.items() if pair not in self.keys.once]
        self.keys.revoked = {(r.key, r.origin): r.start for r in new.revoked}

    def _check_revoked(self, old: Instance | None, new: Instance) -> None:
        """Revocations only accumulate: none is taken back, or moved to a later place."""
        before = {} if old is None else {(r.key, r.origin): r.start for r in old.revoked}
        now = {(r.key, r.origin): r.start for r in new.revoked}
        if len(now) != len(new.revoked):
            raise InvalidStatement("a key is revoked twice in one log", pointer="/revoked")
        if any(now.get(place, start + 1) > start for place, start in before.items()):
            raise InvalidStatement("a revocation is not taken back", pointer="/revoked")
        for (key, origin), start in now.items():
            if key == key_id(new.service):
                raise InvalidStatement("the service key of this document is revoked", pointer="/revoked")
            if key not in self.keys.services:
                raise InvalidStatement(f"{key} was no service key of this instance", pointer="/revoked")
            if origin == self.origin and start < self.size and before.get((key, origin)) != start:
                # What stands before this document was judged without it, by everybody.
                raise InvalidStatement("in this log a key is revoked from here on", pointer="/revoked")

    def _require_service(self, entry: Entry) -> None:
        """By the service key of the latest document: here the position says which one it was."""
        if self.document is not None:
            present = {key_id(self.document.service): self.document.service}
            require_service(entry, replace(self.keys, services=present), self.origin, self.size)

    def _space(self, notice: SpaceNotice, entry: Entry) -> None:
        self._require_service(entry)
        if notice.space in self.spaces:
            raise InvalidStatement(f"the space {notice.space} is already listed", pointer="/space")
        self.spaces[notice.space] = notice

    def _succeed(self, new: LogSuccessor, entry: Entry) -> None:
        name = name_of(new.origin)
        space, ballot = place_of(name)
        kept = self.spaces.get(space or "")
        if kept is None or name != (kept.origin if ballot is None else f"{kept.origin}/ballots/{ballot}"):
            raise InvalidStatement("this instance keeps no such log", pointer="/origin")
        if new.origin != self.log_of(name):
            raise StaleRevision(f"{name} goes on as {self.log_of(name)} already", pointer="/origin")
        if new.successor != next_origin(new.origin):
            raise InvalidStatement(f"it goes on as {next_origin(new.origin)}", pointer="/successor")
        if new.held < new.size:
            raise InvalidStatement("more entries count than there were", pointer="/held")
        if parse_vkey(new.vkey).name != new.successor:
            raise InvalidStatement("the key is named like another log", pointer="/vkey")
        if self.keys.root is not None:
            verify_signer(entry, key_id(self.keys.root), self.keys.root)
        self.successors.setdefault(name, []).append(new)

    def log_of(self, name: str) -> str:
        """The origin of the present log of that name."""
        return origin_of(name, len(self.successors.get(name, ())) + 1)

    def _peer(self, order: Peer, entry: Entry) -> None:
        known = self.peers.get(order.peer)
        if order.peer == self.keys.instance:
            raise InvalidStatement("an instance is no peer of itself", pointer="/peer")
        if order.previous != (known.digest if known else None):
            raise StaleRevision(
                "there is a newer order about this peer; look at it first", pointer="/previous"
            )
        require_operator(entry, order.operator, self.keys)
        self.peers[order.peer] = PeerRecord(order, entry.identity, self.size)


def check_first(new: Instance, entry: Entry) -> None:
    """That a document begins an instance: its id is the hash of the root key that signed it.

    Raises:
        InvalidStatement, BadSignature: what does not fit.
    """
    if new.id != instance_id(new.root):
        raise InvalidStatement("the id is not the hash of the root key", pointer="/id")
    if new.serial != 1 or new.previous is not None:
        raise InvalidStatement("the first document has serial 1 and follows none", pointer="/serial")
    check_document(new, entry)


def check_document(new: Instance, entry: Entry) -> None:
    """That a document is right by itself: signed by its own root, and not valid for longer than a week.

    Raises:
        InvalidStatement, BadSignature: what does not fit.
    """
    verify_signer(entry, key_id(new.root), new.root)
    part = new.federation
    if part is not None:
        if not new.issued_at < part.valid_until <= new.issued_at + WEEK:
            raise InvalidStatement(
                "a document is valid for a week at most", pointer="/federation/valid_until"
            )
        if part.protocol.min > part.protocol.max:
            raise InvalidStatement("the protocol versions are none", pointer="/federation/protocol")


def check_next(old: Instance, old_digest: str | None, new: Instance, entry: Entry) -> None:
    """That a document continues another: same id and log, next serial; a new root is signed for by the old.

    Raises:
        InvalidStatement, BadSignature: what does not fit.
    """
    if new.id != old.id:
        raise InvalidStatement("an instance keeps its id", pointer="/id")
    if new.previous != old_digest or new.serial != old.serial + 1:
        raise InvalidStatement("serial and previous do not continue the last document", pointer="/serial")
    if new.vkey != old.vkey or new.origin != old.origin:
        raise InvalidStatement("the log and its key do not change", pointer="/vkey")
    check_document(new, entry)
    if new.root != old.root:
        verify_signer(entry, key_id(old.root), old.root)

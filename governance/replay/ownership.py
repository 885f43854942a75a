"""Whose an item is, and what it is linked with, in a space's log (protocol 3.1, decision 0022).

An open offer freezes the item, and only the log that it was made to can end it: so of two logs at most one
may revise an item at any time, whatever their clocks say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from governance import limits
from governance.errors import (
    AlreadyExists,
    GovernanceError,
    InvalidStatement,
    NotHome,
    StaleRevision,
)
from governance.log.lineage import name_of
from governance.log.policy import Policy, PolicyLog
from governance.log.receipt import Verified, parse_receipt, verify_receipt
from governance.replay.authority import require_any_role
from governance.signing.lines import exact_base64
from governance.signing.note import ED25519, parse_vkey
from governance.statements.entry import Entry, read_entry
from governance.statements.roadmap import RoadmapItem
from governance.statements.roadmap_links import (
    ItemLink,
    TransferAccept,
    TransferClose,
    TransferDecline,
    TransferOffer,
)

if TYPE_CHECKING:
    from governance.replay.space import SpaceState


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """The last statement about a link, with the digest that names it and its index in the log."""

    statement: ItemLink
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The answer to an offer, as this log has closed it; `home` is the item's new global name if accepted.

    `answer` is the digest of the entry at `answer_index` of the other's log, `index` where this log says so.
    """

    home: str | None
    answer: str
    answer_index: int
    index: int


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """An offer of this space; `closed` is None while it waits for an answer."""

    statement: TransferOffer
    digest: str
    index: int
    closed: Closed | None = None


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """An answer of this space to another's offer; only an acceptance has an `item`, `offered` and a proof.

    `item` is the own id; `offered` stands at `offer_index` of the log `origin`, whose key is `vkey`.
    """

    offer: str
    digest: str
    index: int
    at: int
    item: str | None = None
    offered: TransferOffer | None = None
    origin: str = ""
    vkey: str = ""
    offer_index: int = -1

    @property
    def former(self) -> str | None:
        """The global name that the item had."""
        return None if self.offered is None else global_name(self.offered)


@dataclass(slots=True)
class Ownership:
    """Links by item, relation and target; offers and answers by the offer's digest.

    `held` are own items that may not be revised, `taken` items accepted from others; both to the offer.
    """

    links: dict[str, dict[tuple[str, str], LinkRecord]] = field(default_factory=dict)
    offers: dict[str, OfferRecord] = field(default_factory=dict)
    answers: dict[str, AnswerRecord] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    def moved_to(self, item: str) -> str | None:
        """The item's global name at its present home, once this log says that it has moved."""
        digest = self.held.get(item)
        closed = None if digest is None else self.offers[digest].closed
        return None if closed is None else closed.home

    def require_home(self, item: str) -> None:
        """That this space may change the item.

        Raises:
            NotHome: it has moved, or it is offered and waits for the answer.
        """
        digest = self.held.get(item)
        if digest is None:
            return
        home = self.moved_to(item)
        if home is not None:
            raise NotHome(f"the item {item} has moved; its home is {home}", pointer="/item", home=home)
        to = self.offers[digest].statement.to
        raise NotHome(
            f"the item {item} is offered to {to.origin} and frozen until that answers",
            pointer="/item",
            offer=digest,
            offered_to=f"{to.instance}/{to.space}",
        )


def global_name(offer: TransferOffer) -> str:
    """The name of the item that is offered."""
    return f"{offer.instance}/{offer.space}/{offer.item}"


def link(state: SpaceState, new: ItemLink, entry: Entry, index: int) -> None:
    """Fold a link of an item of this space, or its withdrawal."""
    _require_item(state, new.item)
    if new.target == f"{state.instance.instance}/{new.space}/{new.item}":
        raise InvalidStatement("an item is not linked with itself", pointer="/target")
    links = state.ownership.links.get(new.item, {})
    name = (new.relation, new.target)
    old = links.get(name)
    if new.previous != (None if old is None else old.digest):
        raise StaleRevision("something newer was said about this link; look at it first", pointer="/previous")
    if new.present == (old is not None and old.statement.present):
        there = "already there" if new.present else "not there"
        raise InvalidStatement(f"this link is {there}", pointer="/present")
    if old is None and len(links) >= limits.LINKS:
        raise InvalidStatement(f"an item has at most {limits.LINKS} links", pointer="/item")
    require_any_role(entry, state, RoadmapItem.KIND)
    # A new dict: an earlier head that somebody keeps stays as it was.
    state.ownership.links[new.item] = {**links, name: LinkRecord(new, entry.identity, index)}


def offer(state: SpaceState, new: TransferOffer, entry: Entry, index: int) -> None:
    """Fold an offer: from here on the item is frozen."""
    _require_item(state, new.item)
    if new.instance != state.instance.instance:
        raise InvalidStatement("this space is on another instance", pointer="/instance")
    latest = state.items[new.item].digest
    if new.revision != latest:
        raise StaleRevision("an offer names the item's latest revision", pointer="/revision", latest=latest)
    if name_of(new.to.origin) == state.origin or (new.to.instance, new.to.space) == (new.instance, new.space):
        raise InvalidStatement("an item is not offered to its own home", pointer="/to")
    _policy(new.to.origin, new.to.vkey, "/to/vkey")
    require_any_role(entry, state, RoadmapItem.KIND)
    state.ownership.offers[entry.identity] = OfferRecord(new, entry.identity, index)
    state.ownership.held[new.item] = entry.identity


def accept(state: SpaceState, new: TransferAccept, entry: Entry, index: int) -> None:
    """Fold an acceptance: the other log has made us the offer, and this space is the item's home."""
    offered, proof = _proven(new.offer, new.receipt, new.origin, new.vkey, "/offer")
    made = offered.statement
    if not isinstance(made, TransferOffer):
        raise InvalidStatement(f"this is no offer but a {made.KIND}", pointer="/offer")
    to = made.to
    if (to.instance, to.space, name_of(to.origin)) != (state.instance.instance, new.space, state.origin):
        raise InvalidStatement("the item was offered to another space", pointer="/offer")
    _require_unanswered(state, offered.identity)
    owned = state.ownership
    if new.item in state.items or new.item in owned.taken:
        raise AlreadyExists(f"there is an item {new.item}; accept it under another name", pointer="/item")
    require_any_role(entry, state, RoadmapItem.KIND)
    owned.answers[offered.identity] = AnswerRecord(
        offered.identity,
        entry.identity,
        index,
        new.accepted_at,
        item=new.item,
        offered=made,
        origin=new.origin,
        vkey=new.vkey,
        offer_index=proof.index,
    )
    owned.taken[new.item] = offered.identity


def decline(state: SpaceState, new: TransferDecline, entry: Entry, index: int) -> None:
    """Fold a refusal. Which log made the offer is not asked: to refuse what nobody offered does no harm."""
    _require_unanswered(state, new.offer)
    require_any_role(entry, state, RoadmapItem.KIND)
    answer = AnswerRecord(new.offer, entry.identity, index, new.declined_at)
    state.ownership.answers[new.offer] = answer


def close(state: SpaceState, new: TransferClose, entry: Entry, index: int) -> None:
    """Fold the other log's answer to an offer of this space: the item has moved, or is free again."""
    owned = state.ownership
    record = owned.offers.get(new.offer)
    if record is None or record.statement.item != new.item:
        raise InvalidStatement("this space has made no such offer", pointer="/offer")
    if record.closed is not None:
        raise AlreadyExists("this offer is closed already", index=record.closed.index)
    to = record.statement.to
    answered, proof = _proven(new.answer, new.receipt, to.origin, to.vkey, "/answer")
    answer = answered.statement
    home = None
    if isinstance(answer, TransferAccept):
        named = _embedded(answer.offer, "/answer").identity
        home = f"{to.instance}/{to.space}/{answer.item}"
    elif isinstance(answer, TransferDecline):
        named = answer.offer
    else:
        raise InvalidStatement(f"this is no answer but a {answer.KIND}", pointer="/answer")
    if named != new.offer or answer.space != to.space:
        raise InvalidStatement("this answers another offer", pointer="/answer")
    require_any_role(entry, state, RoadmapItem.KIND)
    closed = Closed(home, answered.identity, proof.index, index)
    owned.offers[new.offer] = replace(record, closed=closed)
    if home is None:
        del owned.held[new.item]


def _require_item(state: SpaceState, item: str) -> None:
    if item not in state.items:
        raise InvalidStatement(f"the roadmap has no item {item}", pointer="/item")
    state.ownership.require_home(item)


def _require_unanswered(state: SpaceState, offered: str) -> None:
    known = state.ownership.answers.get(offered)
    if known is not None:
        said = "declined" if known.item is None else "accepted"
        raise AlreadyExists(f"this offer is {said} already", index=known.index)


def _proven(data: str, receipt: str, origin: str, vkey: str, pointer: str) -> tuple[Entry, Verified]:
    """The embedded entry, and the proof that it stands in that log."""
    entry = _embedded(data, pointer)
    policy = _policy(origin, vkey, "/vkey")
    try:
        proof = verify_receipt(parse_receipt(receipt.encode()), entry.data, policy)
    except GovernanceError as e:
        raise InvalidStatement(f"the receipt proves nothing: {e.detail}", pointer="/receipt") from e
    return entry, proof


def _embedded(data: str, pointer: str) -> Entry:
    raw = exact_base64(data)
    if raw is None:
        raise InvalidStatement("an entry is written in standard base64", pointer=pointer)
    try:
        return read_entry(raw)
    except GovernanceError as e:
        raise InvalidStatement(f"the entry cannot be read: {e.detail}", pointer=pointer) from e


def _policy(origin: str, vkey: str, pointer: str) -> Policy:
    """Accepts the log of that origin under that key."""
    try:
        key = parse_vkey(vkey)
    except GovernanceError as e:
        raise InvalidStatement(f"the log key cannot be read: {e.detail}", pointer=pointer) from e
    # No other suite: whether this holds may not depend on what an installation can verify.
    if key.name != origin or key.kind != ED25519:
        raise InvalidStatement(f"this is not an Ed25519 key of the log {origin}", pointer=pointer)
    return Policy(logs=(PolicyLog(key),))

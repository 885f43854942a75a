"""Items among those of other communities: recording links and moves, and reading how an item stands."""

from __future__ import annotations

from governance.errors import GovernanceError, InvalidStatement, NotFound
from governance.log.lineage import name_of
from governance.replay.ownership import OfferRecord, Ownership
from governance.replay.space import SpaceState
from governance.service import submit
from governance.service.answers import Recorded
from governance.service.batch import Batch
from governance.service.core import Service
from governance.service.standing import LinkView, OfferView, StandingView
from governance.signing.lines import exact_base64
from governance.statements.entry import Entry, read_entry
from governance.statements.roadmap_links import TransferAccept, TransferOffer
from governance.store import entries


def record(service: Service, space: str, body: bytes) -> tuple[Recorded, bool]:
    """Record a statement about the roadmap; gives also whether it is new.

    Raises:
        Malformed, Refused: why not.
    """
    origin = service.states.space_origin(space)

    def judge(batch: Batch, entry: Entry) -> None:
        # Else the offer could be accepted, but its giver could never close it.
        made = _offer_in(entry)
        if made is not None and name_of(made.to.origin) == origin and made.to.vkey != batch.vkey(origin):
            raise InvalidStatement("the offer names a key that is not this log's", pointer="/offer")

    return submit.to_space(service, space, "roadmap", body, judge=judge)


def _offer_in(entry: Entry) -> TransferOffer | None:
    """The offer that an acceptance carries; None where the fold has reasons to refuse it."""
    statement = entry.statement
    raw = exact_base64(statement.offer) if isinstance(statement, TransferAccept) else None
    try:
        made = None if raw is None else read_entry(raw).statement
    except GovernanceError:
        return None
    return made if isinstance(made, TransferOffer) else None


def standing(service: Service, space: str, item: str) -> StandingView:
    """How an item stands.

    Raises:
        NotFound: no such space, or no such item in it.
    """
    origin = service.states.space_origin(space)
    state = service.states.get(origin, SpaceState)
    with service.store.read() as conn:
        stored = entries.head(conn, origin).size
    if state.size > stored:
        # The state runs ahead of the store.
        service.settle()
        state = service.states.get(origin, SpaceState)
    owned, revision = state.ownership, state.items.get(item)
    taken = owned.taken.get(item)
    if revision is None and taken is None:
        raise NotFound(f"the roadmap of {space} has no item {item[:80]}")
    name = f"{state.instance.instance}/{space}/{item}"
    held = owned.held.get(item)
    offer = None if held is None else owned.offers[held]
    closed = None if offer is None else offer.closed
    home = name if closed is None or closed.home is None else closed.home
    return StandingView(
        item=item,
        name=name,
        state="owned" if offer is None else "offered" if home == name else "moved",
        revision=None if revision is None else revision.digest,
        home=home,
        former=None if taken is None else owned.answers[taken].former,
        accepted=None if taken is None else owned.answers[taken].index,
        offer=None if offer is None else _offer(offer),
        links=_links(owned, item),
    )


def _offer(offer: OfferRecord) -> OfferView:
    return OfferView(offer.statement.to, offer.digest, offer.index, offer.statement.offered_at)


def _links(owned: Ownership, item: str) -> list[LinkView]:
    return [
        LinkView(relation, target, s.present, s.text, s.linked_at, record.digest, record.index)
        for (relation, target), record in sorted(owned.links.get(item, {}).items())
        for s in (record.statement,)
    ]

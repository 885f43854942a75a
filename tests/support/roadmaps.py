"""Communities with roadmaps on instances of their own: items, links and moves, as values."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from typing import Any

import msgspec

from federation.roadmap_sources import Followed, read_sources
from federation.roadmap_views import MapItem, RoadmapMap
from federation.roadmaps import merge
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash, root
from governance.log.proofs import inclusion_proof
from governance.log.receipt import Receipt
from governance.statements.entry import Entry
from governance.statements.roadmap import RoadmapItem
from governance.statements.roadmap_links import (
    ItemLink,
    SpaceRef,
    TransferAccept,
    TransferClose,
    TransferDecline,
    TransferOffer,
)
from tests.support.joint import NOW, Community, log_signer
from tests.support.memory import MemoryFiles
from tests.support.world import Log, signed


def receipt_of(log: Log, index: int) -> str:
    """The receipt of an entry under the log's present head."""
    leaves = [leaf_hash(entry.data) for entry in log.entries]

    def read_hash(height: int, position: int) -> bytes:
        return root(leaves[position << height : (position + 1) << height])

    note = sign_checkpoint(
        Checkpoint(log.state.origin, len(leaves), root(leaves)), [log_signer(log.state.origin)]
    )
    return bytes(Receipt(index, tuple(inclusion_proof(read_hash, index, len(leaves))), note)).decode()


def embedded(entry: Entry) -> str:
    """An entry as other statements carry it."""
    return b64encode(entry.data).decode()


class Planner(Community):
    """A community whose steward keeps a roadmap."""

    def __init__(self, number: int) -> None:
        super().__init__(number, [], **{"roadmap-item": ["steward"], "roadmap-edition": ["steward"]})

    def name(self, item: str) -> str:
        """The global name of an item of this space."""
        return f"{self.instance_id}/club/{item}"

    @property
    def ref(self) -> SpaceRef:
        """This space as an offer names it."""
        return SpaceRef(self.instance_id, "club", self.origin, str(log_signer(self.origin).key))

    @property
    def size(self) -> int:
        return len(self.space.entries)

    def add(self, statement: Any) -> Entry:
        """Record a statement signed by the steward."""
        entry = signed(statement, self.steward)
        self.space.add(entry)
        return entry

    def revision(self, item: str, **changes: Any) -> RoadmapItem:
        """The next revision of an item."""
        old = self.space.state.items.get(item)
        first = RoadmapItem(
            space="club", item=item, revision=1 if old is None else old.statement.revision + 1,
            previous=None if old is None else old.digest, title=item.title(), product=None,
            quarter="2027-Q1", phase=None, theme=None, status="planned", effort=None, effort_days=None,
            details="", source=None, revised_at=NOW + len(self.space.entries),
        )  # fmt: skip
        return msgspec.structs.replace(first, **changes)

    def plan(self, *items: str, **changes: Any) -> None:
        """Record revisions."""
        for item in items:
            self.add(self.revision(item, **changes))

    def link(self, item: str, relation: str, target: str, **changes: Any) -> ItemLink:
        """The next statement about a link."""
        known = self.space.state.ownership.links.get(item, {}).get((relation, target))
        first = ItemLink(
            "club", item, relation, target, True, None if known is None else known.digest, "", NOW
        )
        return msgspec.structs.replace(first, **changes)

    def offering(self, item: str, to: Planner, **changes: Any) -> TransferOffer:
        """An offer of the latest revision."""
        old = self.space.state.items.get(item)
        digest = "sha256:" + "0" * 64 if old is None else old.digest
        first = TransferOffer("club", self.instance_id, item, digest, to.ref, "", NOW + 50)
        return msgspec.structs.replace(first, **changes)

    def accepting(self, giver: Planner, offer: Entry, item: str, **changes: Any) -> TransferAccept:
        """An acceptance of an offer in the giver's log."""
        first = TransferAccept(
            "club", item, giver.origin, giver.ref.vkey, embedded(offer), giver.receipt(offer), NOW + 60
        )
        return msgspec.structs.replace(first, **changes)

    def declining(self, offer: Entry) -> TransferDecline:
        """The other answer."""
        return TransferDecline("club", offer.identity, "not ours", NOW + 60)

    def closing(self, taker: Planner, offer: Entry, answer: Entry, **changes: Any) -> TransferClose:
        """The close with an answer in the taker's log."""
        item = offer.statement.item  # type: ignore[attr-defined]
        first = TransferClose("club", item, offer.identity, embedded(answer), taker.receipt(answer), NOW + 70)
        return msgspec.structs.replace(first, **changes)

    def receipt(self, entry: Entry) -> str:
        """The receipt of an entry of this space."""
        return receipt_of(self.space, self.space.entries.index(entry))

    def offer(self, item: str, to: Planner) -> Entry:
        """Record an offer."""
        return self.add(self.offering(item, to))

    def move(self, item: str, to: Planner, new: str | None = None) -> tuple[Entry, Entry]:
        """Offer, accept and close; gives offer and acceptance."""
        offer = self.offer(item, to)
        answer = to.add(to.accepting(self, offer, new or item))
        self.add(self.closing(to, offer, answer))
        return offer, answer

    def fork(self) -> Planner:
        """The same community at this point of its history: what is added to one is not in the other."""
        return deepcopy(self)

    def followed(self, checked_at: int = NOW, **changes: Any) -> Followed:
        """As a source of a map, from its public files as they are now."""
        return Followed(self.instance_id, MemoryFiles(self.files()), checked_at, **changes)


def map_of(*planners: Planner, now: int = NOW, copies: dict[int, Planner] | None = None) -> RoadmapMap:
    """The map of these communities, from their public files; `copies` are other views of some, by place."""
    seen = [(copies or {}).get(place, planner) for place, planner in enumerate(planners)]
    return merge(read_sources([planner.followed() for planner in seen]), now)


def item_of(found: RoadmapMap, name: str) -> MapItem:
    """The item of that name."""
    (item,) = [item for item in found.items if item.name == name]
    return item

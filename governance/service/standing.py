"""What the service answers about how an item stands to those of other communities."""

from __future__ import annotations

from typing import Literal

from governance.service.answers import Answer
from governance.statements.roadmap_links import SpaceRef


class LinkView(Answer, frozen=True):
    """A link as it was last stated; one that was taken back has `present` false."""

    relation: str
    target: str
    present: bool
    text: str
    linked_at: int
    digest: str
    index: int


class OfferView(Answer, frozen=True):
    """The offer that an item waits for or went with."""

    to: SpaceRef
    digest: str
    index: int
    offered_at: int


class StandingView(Answer, frozen=True):
    """Whose an item is: `owned` here, `offered` and frozen, or `moved` to `home`.

    `name` is its global name, `former` the one it had before entry `accepted` of this log. `revision` is
    the digest of its latest revision in this space, null when it was accepted and not revised yet.
    """

    item: str
    name: str
    state: Literal["owned", "offered", "moved"]
    revision: str | None
    home: str
    former: str | None
    accepted: int | None
    offer: OfferView | None
    links: list[LinkView]

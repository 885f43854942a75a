"""Items of several communities: links between them, and moving an item to another home (protocol 3.1)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance import limits
from governance.statements.base import (
    BoundStatement,
    Digest,
    Origin,
    Slug,
    Statement,
    Text,
    Time,
    Value,
    kind,
)
from governance.statements.space import VKey

_SLUG = "[a-z0-9][a-z0-9-]{0,62}"
ItemName = Annotated[
    str,
    Meta(
        pattern=rf"^sha256:[0-9a-f]{{64}}/{_SLUG}/{_SLUG}$(?!\n)",
        description="Global name of an item: <instance id>/<space>/<item>",
    ),
]
Relation = Annotated[str, Meta(pattern=r"^(depends-on|blocks|adopts|duplicates)$(?!\n)")]
Remark = Annotated[str, Meta(max_length=300)]
"""Short, because an offer is carried inside two further entries."""
OfferBytes = Annotated[
    str, Meta(max_length=limits.EMBEDDED_OFFER, description="A log entry's bytes in standard base64")
]
AnswerBytes = Annotated[
    str, Meta(max_length=limits.EMBEDDED_ANSWER, description="A log entry's bytes in standard base64")
]
ReceiptText = Annotated[str, Meta(max_length=limits.RECEIPT_TEXT, description="C2SP tlog-proof")]


@kind("item-link")
class ItemLink(BoundStatement, frozen=True):
    """How an item of this space stands to another one, anywhere; `present: false` takes it back.

    `depends-on`: needs the other first. `blocks`: the other needs this first. `adopts`: takes on what the
    other asks for. `duplicates`: is the same wish. `previous` is the last statement about this item, relation
    and target.
    """

    space: Slug
    item: Slug
    relation: Relation
    target: ItemName
    present: bool
    previous: Digest | None
    text: Text
    linked_at: Time


class SpaceRef(Value, frozen=True):
    """A space, with its log and the log's key as the writer knows them."""

    instance: Digest
    space: Slug
    origin: Origin
    vkey: VKey


@kind("transfer-offer")
class TransferOffer(Statement, frozen=True):
    """The item at this latest revision shall have its home in another space; frozen until that answers."""

    space: Slug
    instance: Digest
    item: Slug
    revision: Digest
    to: SpaceRef
    text: Remark
    offered_at: Time


@kind("transfer-accept")
class TransferAccept(Statement, frozen=True):
    """This space is from here on the home of the item that was offered to it, under a name of its own.

    `offer` is the entry in the other space's log, `receipt` its proof under that log's key.
    """

    space: Slug
    item: Slug
    origin: Origin
    vkey: VKey
    offer: OfferBytes
    receipt: ReceiptText
    accepted_at: Time


@kind("transfer-decline")
class TransferDecline(Statement, frozen=True):
    """This space does not take the item that was offered to it, now or later by the same offer."""

    space: Slug
    offer: Digest
    text: Text
    declined_at: Time


@kind("transfer-close")
class TransferClose(Statement, frozen=True):
    """The answer to an offer of this space: the entry in the other's log, and its receipt."""

    space: Slug
    item: Slug
    offer: Digest
    answer: AnswerBytes
    receipt: ReceiptText
    closed_at: Time

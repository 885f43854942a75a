"""The frozen roll of a ballot: rows in pages, and the Merkle root over all rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from governance import limits
from governance.canonical import encode
from governance.errors import InvalidStatement
from governance.log.merkle import Frontier, leaf_hash
from governance.signing.suites import get
from governance.statements.base import Amount, Count, Digest, Hash, Key, MemberId, Statement, Value, kind


class Voter(Value, frozen=True, omit_defaults=True):
    """One row of the roll. `public` is left out when the id itself holds the key (did:key)."""

    id: MemberId
    suite: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$(?!\n)")]
    weight: Amount
    public: Annotated[str, Meta(min_length=1, max_length=4_096)] | None = None


@kind("electorate")
class Electorate(Statement, frozen=True):
    """A page of the roll, rows ascending by id over all pages. Signed by the service key."""

    definition: Digest
    page: Count
    voters: Annotated[list[Voter], Meta(min_length=1, max_length=limits.ELECTORATE_PAGE)]


class ElectorateSummary(Value, frozen=True):
    """What the opening says about the roll."""

    root: Hash
    count: Count
    weight: Amount


def voter_row(member: str, key: Key, weight: str) -> Voter:
    """The row for a member, as short as it can be."""
    derived = get(key.suite).derive_key(member)
    return Voter(
        id=member, suite=key.suite, weight=weight, public=None if derived == key.public else key.public
    )


def voter_key(row: Voter) -> Key:
    """The key that this voter's votes must verify under.

    Raises:
        InvalidStatement: the row names no key and its id holds none.
    """
    public = row.public or get(row.suite).derive_key(row.id)
    if public is None:
        raise InvalidStatement(f"the roll names no key for {row.id}")
    return Key(suite=row.suite, public=public)


def pages(rows: list[Voter]) -> Iterable[list[Voter]]:
    """The rows cut into pages that fit an entry; keys of post-quantum size make short pages."""
    page: list[Voter] = []
    size = 0
    for row in rows:
        length = len(encode(row)) + 1
        if page and (len(page) == limits.ELECTORATE_PAGE or size + length > limits.ENTRY // 2):
            yield page
            page, size = [], 0
        page.append(row)
        size += length
    if page:
        yield page


def summarise(rows: Iterable[Voter]) -> ElectorateSummary:
    """Root (RFC 6962 tree over the rows' canonical bytes, in order), count and total weight."""
    tree = Frontier()
    weight = 0
    for row in rows:
        tree.extend([leaf_hash(encode(row))])
        weight += int(row.weight)
    return ElectorateSummary(root=tree.root().hex(), count=tree.size, weight=str(weight))

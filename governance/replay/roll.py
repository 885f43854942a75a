"""The roll of one ballot, small enough for a million voters."""

from __future__ import annotations

from collections.abc import Iterator

from governance.canonical import encode
from governance.errors import InvalidStatement
from governance.log.merkle import Frontier, leaf_hash
from governance.signing import suites
from governance.statements.base import Key
from governance.statements.electorate import Electorate, ElectorateSummary, Voter


class Roll:
    """Who may vote, with which key and weight; rows ascending by id.

    Ids are kept once, suites as one byte; weights and keys only where they differ from 1 and from what the id
    itself holds.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._suite_names: list[str] = []
        self._suites = bytearray()
        self._weights: dict[int, int] = {}
        self._publics: dict[int, str] = {}
        self._tree = Frontier()
        self._total = 0
        self._last = ""
        self._pages = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add_page(self, page: Electorate) -> None:
        """Append a page.

        Raises:
            InvalidStatement: out of order, a duplicate, or a row without a usable key; nothing is added.
        """
        if page.page != self._pages:
            raise InvalidStatement(
                f"page {page.page} of the roll where page {self._pages} is due", pointer="/page"
            )
        last = self._last
        for position, voter in enumerate(page.voters):
            if voter.id <= last:
                raise InvalidStatement("the roll is not ascending by id", pointer=f"/voters/{position}/id")
            _check_key(voter, position)
            last = voter.id
        for voter in page.voters:
            self._add(voter)
        self._tree.extend([leaf_hash(encode(voter)) for voter in page.voters])
        self._last = last
        self._pages += 1

    def _add(self, voter: Voter) -> None:
        row = len(self._rows)
        self._rows[voter.id] = row
        if voter.suite not in self._suite_names:
            self._suite_names.append(voter.suite)
        self._suites.append(self._suite_names.index(voter.suite))
        weight = int(voter.weight)
        self._total += weight
        if weight != 1:
            self._weights[row] = weight
        if voter.public is not None:
            self._publics[row] = voter.public

    def row_of(self, voter: str) -> int | None:
        """The voter's row, None when not on the roll."""
        return self._rows.get(voter)

    def ids(self) -> list[str]:
        """All ids by row."""
        return list(self._rows)

    def voters(self) -> Iterator[Voter]:
        """The rows as the pages had them."""
        for row, voter in enumerate(self._rows):
            suite = self._suite_names[self._suites[row]]
            yield Voter(voter, suite, str(self.weight(row)), self._publics.get(row))

    def weight(self, row: int) -> int:
        """The weight of a row."""
        return self._weights.get(row, 1)

    def key(self, voter: str, row: int) -> Key:
        """The key the voter's votes must verify under."""
        suite = self._suite_names[self._suites[row]]
        public = self._publics.get(row) or suites.get(suite).derive_key(voter)
        if public is None:
            raise InvalidStatement(f"the roll names no key for {voter}")
        return Key(suite=suite, public=public)

    def names(self, row: int, voter: str, key: Key) -> bool:
        """Whether key is the one of that voter's row."""
        suite = key.suite
        if self._suite_names[self._suites[row]] != suite:
            return False
        return key.public == (self._publics.get(row) or suites.get(suite).derive_key(voter))

    def summary(self) -> ElectorateSummary:
        """Root, count and total weight, as the opening states them."""
        return ElectorateSummary(root=self._tree.root().hex(), count=len(self._rows), weight=str(self._total))


def _check_key(voter: Voter, position: int) -> None:
    if voter.public is None and suites.get(voter.suite).derive_key(voter.id) is None:
        raise InvalidStatement(f"the row of {voter.id} names no key", pointer=f"/voters/{position}/public")

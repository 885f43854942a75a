"""What the rules that exclude and transfer share: ties by earlier rounds, the final order, words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step
from governance.counting.papers import Flags, Papers
from governance.counting.profile import Profile
from governance.counting.ranked import RankedParams

NAMED = 12
"""Gains that a note names one by one; the totals have all."""


def fixed(number: int, places: int) -> str:
    """A number in units of 10^-places: 40211873 with 5 places is `"402.11873"`."""
    if not places:
        return str(number)
    whole, rest = divmod(number, 10**places)
    return f"{whole}.{rest:0{places}d}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, slots=True)
class Tie:
    """Who was chosen of the tied, and the round (from 1) that decided; None when it was the lot."""

    chosen: int
    tied: list[int]
    round: int | None


def break_tie(tied: Sequence[int], rounds: Sequence[Sequence[int]], *, weakest: bool) -> Tie:
    """The weakest or strongest of options with equal votes, by the most recent round that tells them apart.

    Those of the tied who were not at the extreme in a round are out of question from there on. Equal in all
    rounds: the lot (options are numbered from the strongest).
    """
    left = list(tied)
    for number in range(len(rounds), 0, -1):
        votes = rounds[number - 1]
        extreme = (min if weakest else max)(votes[option] for option in left)
        left = [option for option in left if votes[option] == extreme]
        if len(left) == 1:
            return Tie(left[0], list(tied), number)
    return Tie(max(left) if weakest else min(left), list(tied), None)


@dataclass(slots=True)
class Count:
    """The record of one count; `rounds` holds every option's votes at the end of each round.

    Votes are in units of 10^-places. `excluded` is in order of exclusion, `elected` groups those elected in
    the same round with equal votes.
    """

    rule: str
    given: Sequence[Option]
    lot: Sequence[str]
    places: int
    papers: Papers
    votes: list[int] = field(default_factory=list)
    lost: int = 0
    rounds: list[list[int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    elected: list[list[int]] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)
    hopeful: set[int] = field(default_factory=set)
    titles: list[str] = field(default_factory=list)

    @classmethod
    def begin(
        cls,
        rule: str,
        given: Sequence[Option],
        params: RankedParams,
        profile: Profile,
        lot: Sequence[str],
        places: int,
    ) -> Count:
        """All papers with their first preferences, everybody hopeful."""
        papers = Papers(lot, params, profile)
        count = cls(rule, given, lot, places, papers)
        titles = {option.id: option.title or option.id for option in given}
        count.titles = [titles[name] for name in lot]
        count.hopeful = set(range(len(lot)))
        *first, count.lost = papers.first_preferences()
        count.votes = [weight * 10**places for weight in first]
        count.rounds.append(list(count.votes))
        return count

    @property
    def round(self) -> int:
        """The number of the round under way or just ended, from 1."""
        return len(self.rounds)

    @property
    def continuing(self) -> Flags:
        """Who can receive papers, with a last place for "no preference left"."""
        flags = np.zeros(len(self.lot) + 1, dtype=np.bool_)
        flags[[*self.hopeful, -1]] = True
        return flags

    @property
    def winners(self) -> list[int]:
        """The elected in order of election."""
        return [option for group in self.elected for option in group]

    def has(self, option: int) -> str:
        """The votes of an option as text."""
        return fixed(self.votes[option], self.places)

    def names(self, options: Iterable[int]) -> str:
        """Titles as a list in a sentence."""
        return listed([self.titles[option] for option in options])

    def totals(self) -> dict[str, str]:
        """Everybody's votes, in the order of the definition."""
        by_id = dict(zip(self.lot, self.votes, strict=True))
        return {option.id: fixed(by_id[option.id], self.places) for option in self.given}

    def step(self, action: str, options: Iterable[int], note: str, totals: Mapping[str, str]) -> None:
        """Record what happened."""
        self.steps.append(Step(action, [self.lot[option] for option in options], dict(totals), note))

    def end_round(self, action: str, options: Iterable[int], note: str) -> None:
        """Record a round with all votes at its end; the last step before it with totals has those before."""
        self.rounds.append(list(self.votes))
        self.step(action, options, f"Round {self.round}: {note}", self.totals())

    def record_tie(self, tie: Tie, what: str, clauses: tuple[str, str] = ("", "")) -> None:
        """Record how a tie was resolved; `clauses` of the law for an earlier round and for the lot."""
        if tie.round is None:
            how = f"No earlier round tells them apart, so the lot decided{clauses[1]}"
        else:
            before = [fixed(self.rounds[tie.round - 1][option], self.places) for option in tie.tied]
            how = f"At the end of round {tie.round} they had {listed(before)}{clauses[0]}"
        note = (
            f"{self.names(tie.tied)} tie at {self.has(tie.tied[0])}. {how}: "
            f"{self.titles[tie.chosen]} is {what}."
        )
        self.step("tie", tie.tied, note, {})

    def by_votes(self, options: Iterable[int]) -> list[list[int]]:
        """Options from most to fewest votes, equal ones in one group in the order of the lot."""
        groups: dict[int, list[int]] = {}
        for option in sorted(options):
            groups.setdefault(self.votes[option], []).append(option)
        return [groups[votes] for votes in sorted(groups, reverse=True)]

    def elect(self, options: Iterable[int], note: str) -> None:
        """Declare options elected."""
        groups = self.by_votes(options)
        order = [option for group in groups for option in group]
        self.elected += groups
        self.hopeful.difference_update(order)
        self.step("elect", order, note, {})

    def outcome(
        self, seats: int, facts: Mapping[str, str], rest: Sequence[Sequence[int]] | None = None
    ) -> Outcome:
        """The elected in order, then the `rest` (who remains, by votes), then the last excluded first."""
        middle = self.by_votes(self.hopeful) if rest is None else rest
        groups = [*self.elected, *middle, *([option] for option in self.excluded[::-1])]
        ranking = [[self.lot[option] for option in group] for group in groups]
        order = [name for group in ranking for name in group]
        return Outcome(
            rule=self.rule,
            options=[option.id for option in self.given],
            winners=order[:seats],
            ranking=ranking,
            order=order,
            totals=self.totals(),
            steps=self.steps,
            lot=list(self.lot),
            facts={**facts, "rounds": str(self.round)},
        )

    def gains(self, before: Sequence[int]) -> str:
        """Who has how much more than `before`, the largest gain first: `a +120.00000, b +3.00000`."""
        more = [
            (after - then, option)
            for option, (then, after) in enumerate(zip(before, self.votes, strict=True))
            if after > then
        ]
        more.sort(key=lambda pair: (-pair[0], pair[1]))
        words = [f"{self.titles[option]} +{fixed(gain, self.places)}" for gain, option in more[:NAMED]]
        if len(more) > NAMED:
            words.append(f"{len(more) - NAMED} others less")
        return ", ".join(words) or "nobody"

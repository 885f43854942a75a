"""Instant-runoff voting (alternative vote, ranked choice): exclude the lowest until one has a majority."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from governance.counting.checks import decimal
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.ranked import RankedParams, check_ranking, check_ranks
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.stv import Count, break_tie


class IrvParams(RankedParams, frozen=True, forbid_unknown_fields=True):
    """What a valid ranking is, and how many are excluded at once.

    `exclusion` "batch" excludes together all those who even with each other's votes stay below the next one,
    as Minneapolis and Maine do. The winner is the same unless a later tie falls to an earlier round: there
    are fewer rounds then to tell the tied apart.
    """

    exclusion: Literal["single", "batch"] = "single"


class Irv(Rule[IrvParams]):
    """Elected is who has more than half of the votes that still count, or is the last but one to remain."""

    id: ClassVar[str] = "irv"
    title: ClassVar[str] = "Instant-runoff voting"
    reference: ClassVar[str] = "Ware (1871); Minneapolis Code of Ordinances, title 8.5"
    answer_form: ClassVar[str] = "ranking"
    tie_rule: ClassVar[str] = "the most recent earlier round that tells the tied apart, then lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = IrvParams

    def _check(self, options: Sequence[Option], params: IrvParams, pointer: str) -> None:
        check_ranks(options, params, pointer)

    def check_answer(
        self, options: Sequence[Option], params: IrvParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A ranking."""
        check_ranking(options, params, answer, pointer)

    def count(
        self, options: Sequence[Option], params: IrvParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """Rounds of exclusions, one step with totals for each."""
        count = Count.begin(self.id, options, params, profile, lot, 0)
        unranked = count.lost
        active = sum(count.votes)
        note = f"Round 1: first preferences of papers of weight {active}."
        count.step("count", range(len(lot)), note, count.totals())
        while (leader := _leader(count)) is None:
            if not (params.exclusion == "batch" and _exclude_batch(count)):
                _exclude_lowest(count)
        active = sum(count.votes)
        count.elect([leader], _verdict(count, leader, active))
        return count.outcome(
            1,
            {
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
                **decimal([("no_preference_weight", unranked), ("active_weight", active)]),
                **decimal([("exhausted_weight", count.lost - unranked)]),
            },
        )


def _leader(count: Count) -> int | None:
    """Who has a majority of the active votes, or leads the last two."""
    best = min(count.hopeful, key=lambda option: (-count.votes[option], option))
    if 2 * count.votes[best] > sum(count.votes) or len(count.hopeful) == 1:
        return best
    if len(count.hopeful) > 2:
        return None
    # Two remain without a majority: their votes are equal.
    tie = break_tie(sorted(count.hopeful), count.rounds, weakest=False)
    count.record_tie(tie, "elected")
    return tie.chosen


def _verdict(count: Count, leader: int, active: int) -> str:
    name, votes = count.titles[leader], count.votes[leader]
    if 2 * votes > active:
        return f"{name} has {votes} of {active} votes that still count, more than half."
    return f"{name} is elected with {votes} of {active} votes that still count."


def _exclude_lowest(count: Count) -> None:
    least = min(count.votes[option] for option in count.hopeful)
    tied = sorted(option for option in count.hopeful if count.votes[option] == least)
    tie = break_tie(tied, count.rounds, weakest=True)
    if len(tied) > 1:
        count.record_tie(tie, "excluded")
    note = (
        f"nobody has more than half of {sum(count.votes)}; {count.titles[tie.chosen]}, lowest with {least}, "
        f"was excluded."
    )
    _exclude(count, [tie.chosen], note)


def _exclude_batch(count: Count) -> bool:
    """Exclude the largest set of lowest options that together stay below the next one; False without one."""
    order = sorted(count.hopeful, key=lambda option: (count.votes[option], -option))
    together, size = 0, 0
    for place, option in enumerate(order[:-1], 1):
        together += count.votes[option]
        if together < count.votes[order[place]]:
            size = place
    if size < 2:
        return False
    votes = sum(count.votes[option] for option in order[:size])
    note = (
        f"{count.names(order[:size])} have {votes} together, fewer than {count.titles[order[size]]} with "
        f"{count.votes[order[size]]}; all {size} were excluded."
    )
    _exclude(count, order[:size], note)
    return True


def _exclude(count: Count, options: Sequence[int], note: str) -> None:
    papers = count.papers
    before = list(count.votes)
    rows = np.flatnonzero(np.isin(papers.holder, options))
    for option in options:
        count.hopeful.remove(option)
        count.excluded.append(option)
    papers.move(rows, count.continuing)
    *gains, lost = papers.weigh(papers.holder[rows], len(count.lot) + 1, rows)
    for option, gain in enumerate(gains):
        count.votes[option] += gain
    for option in options:
        count.votes[option] = 0
    count.lost += lost
    words = f"{sum(gains)} papers moved: {count.gains(before)}; {lost} have no further preference."
    count.end_round("exclude", options, f"{note} {words}")

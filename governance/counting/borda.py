"""Borda's rule in the tournament form: one point for each option ranked below, half a point for each equal.

Not recommended for decisions: burying a rival and entering similar options both work. For indicative polls.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from governance.counting.condorcet import RankingRule
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.pairwise import PairwiseParams
from governance.counting.profile import Profile
from governance.counting.summed import summed_outcome


class BordaParams(PairwiseParams, frozen=True, forbid_unknown_fields=True):
    """As every rule of comparisons."""


class Borda(RankingRule[BordaParams]):
    """m-1 points for the first of m options down to 0 for the last; options at one rank share the mean."""

    id: ClassVar[str] = "borda"
    title: ClassVar[str] = "Borda count"
    reference: ClassVar[str] = "Borda, Mémoire sur les élections au scrutin (1781); Young, JET 9 (1974)"
    tie_rule: ClassVar[str] = "lot"
    Params = BordaParams

    def definition_notes(self, options: Sequence[Option], params: BordaParams) -> list[str]:
        """Why not to decide by it."""
        del options, params
        return ["a Borda count rewards burying rivals and entering similar options; use it for polls only"]

    def count(
        self, options: Sequence[Option], params: BordaParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of points."""
        ids = [option.id for option in options]
        found = self._compare(options, params, profile)
        doubled = {
            # Twice (wins + half of the level ones), where level = met - wins - losses.
            name: found.met[a] + sum(found.beats[a]) - sum(row[a] for row in found.beats)
            for a, name in enumerate(ids)
        }
        note = (
            f"Rankings by votes of weight {profile.valid}; {profile.blank} blank. One point for each option "
            "that a vote ranks below, half a point for each at the same rank."
        )
        return summed_outcome(
            self.id,
            {name: Fraction(twice, 2) for name, twice in doubled.items()},
            profile,
            seats=params.seats,
            lot=lot,
            note=note,
            noun="points",
        )

"""What the rules that add up numbers by option share: the order of the sums is the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from governance.counting.checks import decimal
from governance.counting.outcome import Outcome, Step, elect, exact, tie_groups
from governance.counting.profile import Profile


def summed_outcome(  # noqa: PLR0913  # the parts of an outcome
    rule: str,
    sums: Mapping[str, int | Fraction],
    profile: Profile,
    *,
    seats: int,
    lot: Sequence[str],
    note: str,
    noun: str = "votes",
    strength: Callable[[str], object] | None = None,
    more: Sequence[tuple[str, int]] = (),
) -> Outcome:
    """The options of `sums` (in definition order) from the largest to the smallest.

    `strength` decides between them where it is not the sum alone; `noun` is what ties are told in; `more` are
    further facts beside the weights of valid and blank votes.
    """
    ranking = tie_groups(sums, strength or sums.__getitem__, lot)
    order = [option for group in ranking for option in group]
    totals = {option: exact(Fraction(sums[option])) for option in order}
    winners, steps = elect(ranking, seats, noun)
    return Outcome(
        rule=rule,
        options=list(sums),
        winners=winners,
        ranking=ranking,
        order=order,
        totals=totals,
        steps=[Step("count", order, totals, note), *steps],
        lot=list(lot),
        facts=decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank), *more]),
    )

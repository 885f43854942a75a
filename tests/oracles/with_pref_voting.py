"""pref_voting (Holliday & Pacuit): rankings, grades, STV; in floating point where it divides."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import factorial, prod
from typing import Any

from compare import Comparison, Found, Made, groups, lots, top
from pref_voting.c1_methods import copeland
from pref_voting.grade_methods import majority_judgement, score_voting
from pref_voting.grade_profiles import GradeProfile
from pref_voting.iterative_methods import instant_runoff_for_truncated_linear_orders, instant_runoff_put
from pref_voting.margin_based_methods import beat_path, ranked_pairs, ranked_pairs_tb
from pref_voting.profiles import Profile
from pref_voting.profiles_with_ties import ProfileWithTies
from pref_voting.proportional_methods import stv_meek, stv_scottish
from pref_voting.scoring_methods import borda, symmetric_borda_scores

_ORDERS = 1_000


def names(found: Any) -> set[str]:
    return {str(option) for option in found}


def strict(made: Made) -> Profile:
    return Profile(
        [[int(name) for name in answer] for answer, _ in made["votes"]],
        rcounts=[weight for _, weight in made["votes"]],
    )


def tied(made: Made) -> ProfileWithTies:
    ranks = [
        {int(name): place for place, rank in enumerate(groups(answer), 1) for name in rank}
        for answer, _ in made["votes"]
    ]
    weights = [weight for _, weight in made["votes"]]
    profile = ProfileWithTies(ranks, rcounts=weights, candidates=list(map(int, made["options"])))
    if made["params"].get("unranked") != "no-opinion":
        profile.use_extended_strict_preference()
    return profile


def graded(made: Made) -> GradeProfile:
    rows = [{int(name): grade for name, grade in answer.items()} for answer, _ in made["votes"]]
    return GradeProfile(rows, [0, 1, 2, 3], gcounts=[weight for _, weight in made["votes"]])


def strength(profile: ProfileWithTies) -> Any:
    """More winning votes, then fewer losing votes, as one number; level comparisons come last."""
    large = 1 + sum(profile.rcounts)

    def of(a: int, b: int) -> int:
        won, lost = profile.support(a, b), profile.support(b, a)
        return won * large - lost if won > lost else 0

    return of


def schulze(made: Made) -> Found:
    profile = tied(made)
    return Found(names(beat_path(profile, strength_function=strength(profile))), top(made))


def schulze_winning(made: Made) -> Found:
    profile = tied(made)
    return Found(
        names(beat_path(profile, strength_function=profile.support)),
        top(made),
        "strength without losing votes",
    )


def tideman(made: Made) -> Found:
    """Every order of equally strong majorities: ours is one of them."""
    profile = tied(made)
    of = strength(profile)
    edges = Counter(of(a, b) for a in profile.candidates for b in profile.candidates if a != b)
    if prod(factorial(number) for number in edges.values()) > _ORDERS:
        return Found(None, "", "more than 1000 orders to try")
    found = names(ranked_pairs(profile, strength_function=of))
    return Found(set(made["outcome"]["winners"]) <= found, True)


def zavist_tideman(made: Made) -> Found:
    profile = tied(made)
    lot = list(map(int, made["lot"]))
    found = ranked_pairs_tb(profile, tie_breaker=lot, strength_function=strength(profile))
    level = len(top(made)) > 1 or any(
        profile.margin(a, b) == 0 for a in profile.candidates for b in profile.candidates if a != b
    )
    return Found(names(found), set(made["outcome"]["winners"]), "level pairs are locked" if level else "")


def copeland_scores(made: Made) -> Found:
    return Found(names(copeland(tied(made))), top(made))


def borda_strict(made: Made) -> Found:
    profile = strict(made)
    scores = {str(option): score for option, score in profile.borda_scores().items()}
    ours = {name: int(total) for name, total in made["outcome"]["totals"].items()}
    return Found((names(borda(profile)), scores), (top(made), ours))


def borda_weak(made: Made) -> Found:
    """Symmetric scores, below minus above, are twice ours less the number of others for each voter."""
    scores = {str(option): score for option, score in symmetric_borda_scores(tied(made)).items()}
    others = (len(made["options"]) - 1) * sum(weight for _, weight in made["votes"])
    ours = {name: 2 * Fraction(total) - others for name, total in made["outcome"]["totals"].items()}
    return Found(scores, ours)


def runoff(made: Made) -> Found:
    return Found(set(made["outcome"]["winners"]) <= names(instant_runoff_put(strict(made))), True)


def runoff_partial(made: Made) -> Found:
    ties = any(step["action"] == "tie" for step in made["outcome"]["steps"])
    found = instant_runoff_for_truncated_linear_orders(tied(made))
    return Found(
        names(found), set(made["outcome"]["winners"]), "all who tie for last leave at once" if ties else ""
    )


class _DrawnLot(Exception):
    """They would draw a lot among these."""


class _NoLot:
    def choice(self, among: Any) -> Any:
        raise _DrawnLot(names(among))


def scottish(made: Made) -> Found:
    ours = set(made["outcome"]["winners"])
    try:
        found = names(stv_scottish(tied(made), num_seats=made["params"]["seats"], rng=_NoLot()))
    except _DrawnLot as lot:
        elected = lot.args[0] <= ours
        return Found("lot", "lot" if lots(made) else ours, "lot among the elected" if elected else "")
    return Found(found, ours, "")


def meek(made: Made) -> Found:
    found = names(stv_meek(tied(made), num_seats=made["params"]["seats"]))
    reason = "a tie, settled otherwise" if lots(made) else ""
    return Found(found, set(made["outcome"]["winners"]), reason)


def score(made: Made) -> Found:
    profile = graded(made)
    sums = {str(option): int(profile.sum(option)) for option in profile.candidates}
    ours = {name: int(total) for name, total in made["outcome"]["totals"].items()}
    return Found((names(score_voting(profile, evaluation_method="sum")), sums), (top(made), ours))


def judgement(made: Made) -> Found:
    """The median, lower as ours; ties by the gauge, which is another rule."""
    profile = graded(made)
    medians = {str(option): int(profile.median(option)) for option in profile.candidates}
    ours = {name: int(total) for name, total in made["outcome"]["totals"].items()}
    if medians != ours:
        return Found(medians, ours)
    return Found(names(majority_judgement(profile)), top(made), "ties by the majority gauge")


_WEAK = ("schulze/strict", "schulze/weak", "schulze/no-opinion")
_PAIRS = ("ranked-pairs/strict", "ranked-pairs/weak")

COMPARISONS = [
    Comparison("pref_voting beat_path", _WEAK, schulze),
    Comparison("pref_voting beat_path, winning votes", _WEAK, schulze_winning),
    Comparison("pref_voting ranked_pairs", _PAIRS, tideman),
    Comparison("pref_voting ranked_pairs_tb", _PAIRS, zavist_tideman),
    Comparison("pref_voting copeland", ("copeland",), copeland_scores),
    Comparison("pref_voting borda", ("borda/strict",), borda_strict),
    Comparison("pref_voting symmetric_borda_scores", ("borda/weak",), borda_weak),
    Comparison("pref_voting instant_runoff_put", ("irv/strict",), runoff),
    Comparison("pref_voting instant_runoff, truncated", ("irv/partial",), runoff_partial),
    Comparison("pref_voting stv_scottish", ("scottish-stv",), scottish),
    Comparison("pref_voting stv_meek", ("meek-stv",), meek),
    Comparison("pref_voting score_voting", ("score", "cumulative"), score),
    Comparison("pref_voting majority_judgement", ("majority-judgment",), judgement),
]

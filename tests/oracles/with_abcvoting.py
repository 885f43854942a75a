"""abcvoting (Lackner et al.): committees from approvals, in exact fractions."""

from __future__ import annotations

from typing import Any

from abcvoting import abcrules
from abcvoting.preferences import Profile
from compare import Comparison, Found, Made


def profile(made: Made) -> Profile:
    one = Profile(len(made["options"]))
    for answer, weight in made["votes"]:
        for _ in range(weight):
            one.add_voter([int(name) for name in answer])
    return one


def _ours(made: Made) -> set[int]:
    return {int(name) for name in made["outcome"]["winners"]}


def _among(made: Made, committees: list[Any]) -> Found:
    """Without their tie-breaking they find every outcome: ours is one of them."""
    return Found(_ours(made) in [set(committee) for committee in committees], True)


def approval(made: Made) -> Found:
    found = abcrules.compute("av", profile(made), made["params"]["seats"], resolute=False)
    return _among(made, found)


def shares(made: Made) -> Found:
    seats = int(made["params"]["budget"])
    found = abcrules.compute_equal_shares(
        profile(made), seats, algorithm="standard-fractions", resolute=False, completion=None
    )
    return _among(made, found)


def phragmen(made: Made) -> Found:
    seats = made["params"]["seats"]
    found = abcrules.compute_seqphragmen(profile(made), seats, algorithm="standard-fractions", resolute=False)
    short = len(_ours(made)) < seats
    return _among(made, found)._replace(reason="seats nobody supports" if short else "")


COMPARISONS = [
    Comparison("abcvoting av", ("approval",), approval),
    Comparison("abcvoting equal-shares", ("equal-shares/committee",), shares),
    Comparison("abcvoting seqphragmen", ("phragmen/committee",), phragmen),
]

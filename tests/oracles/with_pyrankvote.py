"""pyrankvote (Jon Tingvold): instant runoff and STV in floating point."""

from __future__ import annotations

from compare import Comparison, Found, Made
from pyrankvote import Ballot, Candidate, instant_runoff_voting, single_transferable_vote


def _ballots(made: Made) -> tuple[list[Candidate], list[Ballot]]:
    named = {name: Candidate(name) for name in made["options"]}
    ballots = [
        Ballot([named[name] for name in answer]) for answer, weight in made["votes"] for _ in range(weight)
    ]
    return list(named.values()), ballots


def _ties(made: Made) -> bool:
    return any(step["action"] == "tie" for step in made["outcome"]["steps"])


def runoff(made: Made) -> Found:
    found = {one.name for one in instant_runoff_voting(*_ballots(made)).get_winners()}
    return Found(found, set(made["outcome"]["winners"]), "a tie, settled otherwise" if _ties(made) else "")


def transfers(made: Made) -> Found:
    seats = made["params"]["seats"]
    found = {one.name for one in single_transferable_vote(*_ballots(made), seats).get_winners()}
    return Found(found, set(made["outcome"]["winners"]), "another rule: the quota is not rounded up")


COMPARISONS = [
    Comparison("pyrankvote instant_runoff_voting", ("irv/strict", "irv/partial"), runoff),
    Comparison("pyrankvote single_transferable_vote", ("scottish-stv",), transfers),
]

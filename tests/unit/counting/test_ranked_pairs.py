"""Ranked pairs: majorities from the strongest, cycles skipped, equal strength by lot."""

from __future__ import annotations

from tests.support.counts import count

# Tideman's capitals of Tennessee: Memphis, Nashville, Chattanooga, Knoxville.
CAPITALS = [("mnck", 42), ("nckm", 26), ("cknm", 15), ("kcnm", 17)]


def test_the_capital_of_tennessee() -> None:
    outcome = count("ranked-pairs", "mnck", [(list(order), weight) for order, weight in CAPITALS])
    assert outcome.ranking == [["n"], ["c"], ["k"], ["m"]]
    assert outcome.totals == {"n": "3", "c": "2", "k": "1", "m": "0"}
    assert [step.options for step in outcome.steps if step.action == "condorcet-winner"] == [["n"]]


def test_the_weakest_majority_of_a_cycle_is_skipped() -> None:
    votes = [(["a", "b", "c"], 4), (["b", "c", "a"], 3), (["c", "a", "b"], 2)]
    outcome = count("ranked-pairs", "abc", votes)
    assert outcome.order == ["a", "b", "c"]
    locks = [(step.action, step.options) for step in outcome.steps if step.action in ("lock", "skip")]
    assert locks == [("lock", ["b", "c"]), ("lock", ["a", "b"]), ("skip", ["c", "a"])]


def test_with_equal_winning_votes_fewer_losing_votes_go_first() -> None:
    # Each vote compares two options only: a cycle of 4 to 1, 4 to 2 and 4 to 3.
    pairs = [("ab", 4), ("ba", 1), ("bc", 4), ("cb", 2), ("ca", 4), ("ac", 3)]
    votes = [(list(pair), weight) for pair, weight in pairs]
    outcome = count("ranked-pairs", "abc", votes, unranked="no-opinion")
    assert [s.options for s in outcome.steps if s.action == "lock"] == [["a", "b"], ["b", "c"]]
    assert [s.options for s in outcome.steps if s.action == "skip"] == [["c", "a"]]


def test_equally_strong_majorities_go_by_the_lot() -> None:
    cycle = [(["a", "b", "c"], 1), (["b", "c", "a"], 1), (["c", "a", "b"], 1)]
    assert count("ranked-pairs", "abc", cycle, lot="abc").order == ["a", "b", "c"]
    assert count("ranked-pairs", "abc", cycle, lot="bca").order == ["b", "c", "a"]
    assert count("ranked-pairs", "abc", cycle, lot="cba").order == ["b", "c", "a"]


def test_many_options_tell_only_what_was_skipped() -> None:
    names = "".join(chr(0x100 + n) for n in range(21))
    outcome = count("ranked-pairs", names, [(list(names), 1)])
    assert outcome.order == list(names)
    assert not [step for step in outcome.steps if step.action in ("lock", "skip")]

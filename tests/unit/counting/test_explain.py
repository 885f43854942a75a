"""The account of a count in plain language, and its steps with totals before and after."""

from itertools import pairwise

from governance.counting import Option, Outcome, Profile, Step, get_rule
from governance.counting.explain import explain
from governance.counting.trace import trace
from tests.support.counts import count


def has(lines, *parts):
    return any(all(part in line for part in parts) for line in lines)


def test_an_exclusion_and_its_papers():
    votes = [(["a"], 4), (["b", "a"], 3), (["c", "b"], 2)]
    lines = explain(count("irv", "abc", votes), {"a": "Ann", "b": "Ben", "c": "Cleo"})
    assert lines[0].startswith("Instant-runoff voting (")
    assert has(lines, "1. Round 1", "Ann 4, Ben 3 and Cleo 2")
    assert lines[-3:-1] == ["Chosen: Ben.", "There was no tie."]
    assert lines[-1] == "The lot puts the options in this order: Cleo, Ben and Ann."


def test_how_a_lot_decided_stands_at_the_end():
    lines = explain(count("approval", "abc", [(["a", "b"], 1), (["c"], 2)], lot="bac"))
    assert lines[-3] == "How ties were resolved:"
    assert lines[-2].startswith("- b and a are level at 1. The lot put them in this order; which of them is")
    lines = explain(count("approval", "abc", [(["a", "b"], 2), (["c"], 1)], lot="bac"))
    assert lines[-2] == "- b and a: 2 options tie on approvals for 1 place; the lot decided."


def test_ties_that_rules_settle_themselves():
    lines = explain(count("score", "ab", [({"a": 2, "b": 3}, 2), ({"a": 2}, 1)]))
    assert has(lines, "- b before a, both with 6: more weight at the highest grade")
    votes = [({"a": 2, "b": 5}, 1), ({"a": 3, "b": 1}, 1), ({"a": 5, "b": 3}, 1)]
    lines = explain(count("majority-judgment", "ab", votes))
    assert has(lines, "- a and b: 2 options have the majority grade 3")


def test_equally_strong_majorities_of_ranked_pairs():
    cycle = [(["a", "b", "c"], 1), (["b", "c", "a"], 1), (["c", "a", "b"], 1)]
    lines = explain(count("ranked-pairs", "abc", cycle, lot="abc"))
    assert has(lines, "- a over b; b over c; c over a: all 2 to 1, so taken in the order of the lot.")
    assert has(lines, "c over a, 2 to 1. Skipped")


def test_comparisons_and_paths():
    votes = [(["a", "b", "c"], 4), (["b", "c", "a"], 3), (["c", "a", "b"], 2)]
    lines = explain(count("schulze", "abc", votes), {"a": "Ann", "b": "Ben", "c": "Cleo"})
    assert has(lines, "Ann beats Ben 6 to 3; loses to Cleo 4 to 5.")
    assert has(lines, "Strongest paths from Cleo", "Ann 5-4 and Ben 5-4. Beaten by Ann and Ben.")


def test_options_of_one_title_keep_their_ids():
    lines = explain(count("approval", "ab", [(["a"], 1)]), {"a": "Same", "b": "Same"})
    assert "Chosen: Same (a)." in lines


def test_an_outcome_of_a_rule_that_is_not_here():
    step = Step("spin", ["x"], {"x": "?"}, "because.")
    outcome = Outcome(
        "wheel", ["x", "y"], ["x"], [["x"], ["y"]], ["x", "y"], {"x": "?"}, [step], ["y", "x"], {}
    )
    assert explain(outcome)[:3] == ["wheel.", "1. Spin x: because.", "Chosen: x."]
    assert trace(outcome)[0].clause == ""


def test_totals_before_and_after_each_round():
    votes = [(["a", "b"], 7), (["c"], 3), (["d"], 1)]
    steps = trace(count("scottish-stv", "abcd", votes, seats=2))
    assert [s.action for s in steps] == ["count", "elect", "transfer", "exclude", "exclude", "elect"]
    assert steps[0].before == {}
    assert steps[1].before == steps[1].after == {"a": "7.00000"}
    for earlier, later in pairwise(steps[2:5]):
        assert later.before == earlier.after
    assert (steps[2].before["a"], steps[2].after["a"], steps[2].after["b"]) == (
        "7.00000",
        "4.00000",
        "2.99999",
    )
    assert [s.clause for s in steps] == [
        "rules 45, 46",
        "rule 47(1)",
        "rule 48",
        "rule 50",
        "rule 50",
        "rule 52(1)",
    ]


def test_a_clause_of_the_debian_constitution():
    votes = [(["a", "n"], 3), (["n", "a"], 1), (["b", "n"], 1)]
    steps = trace(count("schulze", "abn", votes, default_option="n", quorum_electors="4"))
    dropped = [s for s in steps if s.action == "drop"]
    assert [(s.options, s.clause) for s in dropped] == [(["b"], "A.6.2")]
    assert "Constitution" in steps[0].clause


def test_a_tie_of_prices_and_what_decided_it():
    def told(costs, *votes):
        rule = get_rule("equal-shares")
        params = rule.parse_params({"budget": "100", "completion": "none", "comparison": False})
        options = [Option(name, cost=cost) for name, cost in costs.items()]
        outcome = rule.count(options, params, Profile.from_answers(votes), sorted(costs, reverse=True))
        return [line for line in explain(outcome) if line.startswith("- ") and "per utility" in line]

    assert "a comes first: it costs least" in told({"a": 10, "b": 20}, (["a", "b"], 2))[0]
    assert (
        "b comes first: support and cost are equal too, so the lot"
        in told({"a": 10, "b": 10}, (["a", "b"], 2))[0]
    )
    assert not told({"a": 10, "b": 10}, (["a", "b"], 1), (["a"], 1))

"""What one vote did: a paper's way and a share's payments, which together make the totals of the count."""

from collections import defaultdict
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from governance.counting import Option, Profile, get_rule
from governance.counting.own import explain_answer
from governance.counting.paper import path_of
from governance.counting.payments import spending_of
from tests.support.counts import count

papers = st.lists(
    st.tuples(
        st.permutations("abcde").flatmap(lambda p: st.integers(0, 5).map(lambda n: p[:n])), st.integers(1, 9)
    ),
    min_size=1,
    max_size=8,
)


def rounds(outcome):
    return [step for step in outcome.steps if step.totals]


def holdings(outcome, votes):
    """What papers count for, by round and option: a paper stays where its last stop so far put it."""
    found = defaultdict(Fraction)
    for order, weight in votes:
        stops = path_of(outcome, order)
        for number in range(1, len(rounds(outcome)) + 1):
            last = [stop for stop in stops if stop.round <= number][-1]
            found[number, last.option] += weight * Fraction(last.value)
    return found


@given(papers)
def test_all_papers_together_make_every_total_of_irv(votes):
    outcome = count("irv", "abcde", votes)
    held = holdings(outcome, votes)
    for number, step in enumerate(rounds(outcome), 1):
        assert {option: str(held[number, option]) for option in "abcde"} == step.totals


@given(papers, st.integers(1, 3))
def test_all_papers_together_make_every_total_of_stv(votes, seats):
    outcome = count("scottish-stv", "abcde", votes, seats=seats)
    held = holdings(outcome, votes)
    quota = outcome.facts["quota"]
    passed_on = set()
    for number, step in enumerate(rounds(outcome), 1):
        passed_on |= set(step.options) if step.action == "transfer" else set()
        for option in "abcde":
            if option not in passed_on:
                assert held[number, option] == Fraction(step.totals[option])
            else:
                assert step.totals[option] == quota
    lost = sum(
        (
            w * Fraction(path_of(outcome, o)[-1].value)
            for o, w in votes
            if path_of(outcome, o)[-1].option is None
        )
    )
    unranked = int(outcome.facts["no_preference_weight"])
    assert lost == Fraction(outcome.facts["non_transferable"]) + unranked


marks = st.lists(
    st.tuples(st.sets(st.sampled_from("abcd")).map(sorted), st.integers(1, 9)), min_size=1, max_size=7
)


@given(
    marks,
    st.lists(st.integers(1, 40), min_size=4, max_size=4),
    st.integers(0, 90),
    st.sampled_from(["none", "add1"]),
    st.sampled_from(["cost", "cardinality"]),
)
def test_all_payments_together_make_every_cost(votes, costs, budget, completion, utility):
    assume(any(answer for answer, _ in votes))
    rule = get_rule("equal-shares")
    params = rule.parse_params({"budget": str(budget), "completion": completion, "utility": utility})
    options = [Option(name, cost=cost) for name, cost in zip("abcd", costs, strict=True)]
    outcome = rule.count(options, params, Profile.from_answers(votes), "dcba")
    paid = defaultdict(Fraction)
    parts = Fraction(0)
    for answer, weight in votes:
        money = spending_of(outcome, options, answer, weight)
        if money is not None:
            parts += money.part
            assert money.left == money.raised - sum(payment.paid for payment in money.payments) >= 0
            for payment in money.payments:
                paid[payment.option] += payment.paid
        explain_answer(outcome, options, params, answer, weight)
    assert parts == 1
    assert paid == {
        step.options[0]: next(o.cost for o in options if o.id == step.options[0])
        for step in outcome.steps
        if step.action == "buy"
    }


def test_a_surplus_and_an_exclusion_in_words():
    votes = [(["a", "b"], 7), (["c"], 3), (["d"], 1)]
    outcome = count("scottish-stv", "abcd", votes, seats=2)
    params = get_rule("scottish-stv").parse_params({"seats": 2})
    options = [Option("a", "Ann"), Option("b", "Ben"), Option("c", "Cleo"), Option("d", "Dan")]
    assert explain_answer(outcome, options, params, ["a", "b"], 1) == [
        "Round 1: your paper counts for Ann, your first preference.",
        "Round 2: Ann was elected with more than the quota; what your paper is not needed for there goes on "
        "to Ben, at a value of 0.42857.",
        "Round 4: Ben was excluded; your paper goes no further: nobody is left on it.",
    ]
    assert explain_answer(outcome, options, params, ["d", "c"], 3)[-1] == (
        "There it stayed to the end: Cleo was elected. Your weight of 3 counts 3 times as much."
    )
    assert explain_answer(outcome, options, params, [], 1) == [
        "Your paper ranks nobody in a way that counts."
    ]


def test_a_share_in_words():
    rule = get_rule("equal-shares")
    params = rule.parse_params({"budget": "100"})
    options = [Option("api", "API", 60), Option("docs", "Docs", 40), Option("mobile", "Mobile", 30)]
    votes = [(["api", "docs"], 6), (["mobile"], 4)]
    outcome = rule.count(options, params, Profile.from_answers(votes), ["mobile", "api", "docs"])
    assert explain_answer(outcome, options, params, ["api", "docs"], 1) == [
        "Your 1/10 share of the budget was 10.",
        "Completion raised every share; yours was 16 in the end.",
        "It paid 6.666666 for Docs; 9.333333 was left.",
        "You also support API: not bought, since supporters could not pay.",
        "Not spent: 9.333333.",
    ]
    assert "no share" in explain_answer(outcome, options, params, [], 1)[0]
    assert "blank" in explain_answer(outcome, options, params, None, 1)[0]


def test_other_rules_say_what_was_chosen():
    options = [Option("a", "Apples"), Option("b", "Pears")]
    approval = count("approval", "ab", [(["a"], 2), (["b"], 1)])
    assert explain_answer(approval, options, None, ["b", "a"], 1) == [
        "You answered: Pears and Apples.",
        "Of what you named, chosen: Apples.",
    ]
    score = count("score", "ab", [({"a": 2}, 2), ({"b": 1}, 1)])
    assert (
        explain_answer(score, options, None, {"b": 1, "a": 0}, 1)[-1] == "Of what you named, chosen: nothing."
    )
    schulze = count("schulze", "ab", [(["a", "b"], 2)])
    assert explain_answer(schulze, options, None, [["a", "b"]], 1)[0] == "You answered: Apples = Pears."
    vote = count("plurality", "ab", [("a", 2)])
    assert explain_answer(vote, options, None, "a", 1)[-1] == "Of what you named, chosen: Apples."

"""Every outcome of every rule can be told: no profile, tie or title makes the account fail."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counting import RULES, Option, Outcome, Profile, Step
from governance.counting.explain import explain
from governance.counting.trace import trace
from governance.errors import InvalidAnswer

NEEDED: dict[str, dict[str, Any]] = {
    "greedy": {"budget": "30"},
    "equal-shares": {"budget": "30"},
    "phragmen": {"budget": "30"},
    "quadratic": {"personhood": "checked"},
    "positional": {"points": [3, 2, 1]},
}
NAMES = st.sampled_from("abcd")
MARKS = st.lists(NAMES, unique=True)
LISTS = st.lists(st.one_of(NAMES, st.lists(NAMES, max_size=2)), max_size=4)
ANSWERS = {
    "approval": MARKS,
    "ranking": st.one_of(st.permutations("abcd").map(list), MARKS, LISTS),
    "score": st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)),
    "choice": st.sampled_from("abcd"),
}
texts = st.text(max_size=6)


def outcome_of(data: st.DataObject, rule: Any) -> Outcome:
    ids = ["yes", "no", "abstain"] if rule.id == "yes-no" else list("abcd")
    options = [Option(name, cost=data.draw(st.integers(1, 20))) for name in ids]
    params = rule.parse_params(NEEDED.get(rule.id, {}))
    rule.check_definition(options, params)
    form = st.sampled_from(ids) if rule.id == "yes-no" else ANSWERS[rule.form(params)]
    drawn = data.draw(st.lists(st.tuples(st.one_of(st.none(), form), st.integers(1, 3)), max_size=6))
    votes = []
    for answer, weight in drawn:
        try:
            if answer is not None:
                rule.check_answer(options, params, answer)
            votes.append((answer, weight))
        except InvalidAnswer:
            continue
    found: Outcome = rule.count(options, params, Profile.from_answers(votes), data.draw(st.permutations(ids)))
    return found


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_profile(rule: Any, data: st.DataObject) -> None:
    outcome = outcome_of(data, rule)
    titles = data.draw(st.dictionaries(st.sampled_from(outcome.options), texts))
    lines = explain(outcome, titles)
    steps = trace(outcome)
    assert len(steps) == len(outcome.steps)
    assert all(step.reason and step.clause for step in steps)
    assert sum(line.startswith(tuple("123456789")) for line in lines) >= len(steps)
    assert lines[-1].startswith("The lot puts the options in this order")
    assert ("There was no tie." in lines) != ("How ties were resolved:" in lines)
    tied = sum(step.action == "tie" for step in outcome.steps)
    assert sum(line.startswith("- ") for line in lines) >= tied


steps = st.builds(
    Step,
    st.sampled_from(
        ["count", "tie", "lock", "skip", "compare", "paths", "drop", "support", "elect", "x", ""]
    ),
    st.lists(st.sampled_from(["a", "b", "?"]), max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "?"]), texts, max_size=3),
    texts,
)


@given(st.sampled_from(["wheel", "score", "greedy", "irv"]), st.lists(steps, max_size=5), st.booleans())
def test_outcomes_of_any_plugin(rule: str, told: list[Step], rounds: bool) -> None:
    facts = {"rounds": "2"} if rounds else {}
    outcome = Outcome(rule, ["a", "b"], ["a"], [["a", "b"]], ["a", "b"], {"a": "1"}, told, ["b", "a"], facts)
    assert explain(outcome)
    assert len(trace(outcome)) == len(told)
    assert msgspec.convert(msgspec.to_builtins(outcome), Outcome) == outcome

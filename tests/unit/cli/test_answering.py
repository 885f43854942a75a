import pytest

from governance.cli import answering
from governance.counting.option import Option
from governance.counting.registry import get_rule
from governance.errors import InvalidAnswer
from governance.replay.definition import Asked, Definition
from governance.statements.ballot import OptionLine, Question, RuleChoice


def asked(name, rule_id, ids, **params):
    rule = get_rule(rule_id)
    lines = [OptionLine(i, i.upper(), None, None) for i in ids]
    question = Question(name, name, "", lines, RuleChoice(rule_id, 1, {}), "rule-then-lot")
    return Asked(question, rule, rule.parse_params(params), tuple(Option(i, i.upper(), None) for i in ids))


def definition(*questions):
    return Definition(None, "sha256:" + "0" * 64, questions)  # type: ignore[arg-type]


PRIORITIES = asked("priorities", "approval", ["a", "b", "c"], seats=2)
GRADES = asked("grades", "score", ["a", "b"])
ADOPT = asked("adopt", "yes-no", ["yes", "no"])


def test_each_form_has_its_option():
    found = answering.from_arguments(
        definition(PRIORITIES, GRADES, ADOPT), approve="a, c", score="a=3,b=0", choice="yes"
    )
    assert found == {"priorities": ["a", "c"], "grades": {"a": 3, "b": 0}, "adopt": "yes"}


def test_numbers_of_the_listing_stand_for_ids():
    assert answering.from_arguments(definition(PRIORITIES), approve="3,1") == {"priorities": ["c", "a"]}
    assert answering.from_arguments(definition(GRADES), score="2=5") == {"grades": {"b": 5}}


def test_an_id_that_looks_like_a_number_is_an_id():
    numbered = asked("q", "approval", ["2", "1"])
    assert answering.from_arguments(definition(numbered), approve="1") == {"q": ["1"]}


def test_answers_by_question():
    given = ['priorities=["a"]', "adopt=null"]
    assert answering.from_arguments(definition(PRIORITIES, ADOPT), given=given) == {
        "priorities": ["a"],
        "adopt": None,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"score": "a=3"},
        {"given": ["priorities"]},
        {"given": ["priorities=[", "x"]},
        {"given": ['priorities=["a"]', 'priorities=["b"]']},
        {"given": ["priorities=1.5"]},
        {"given": ["priorities=true"]},
        {"approve": "a", "given": ['priorities=["b"]']},
    ],
)
def test_what_cannot_be_read(arguments):
    with pytest.raises(Exception) as caught:
        answering.from_arguments(definition(PRIORITIES), **arguments)
    assert type(caught.value).__name__ in {"InvalidAnswer", "MalformedJson"}


def test_two_questions_of_one_form_need_names():
    with pytest.raises(InvalidAnswer, match="several"):
        answering.from_arguments(definition(PRIORITIES, asked("more", "approval", ["x"])), approve="a")


def test_points_that_are_none():
    with pytest.raises(InvalidAnswer, match="OPTION=NUMBER"):
        answering.from_arguments(definition(GRADES), score="a=many")


def test_answers_in_words():
    words = answering.in_words(
        definition(PRIORITIES, GRADES, ADOPT), {"priorities": ["a", "c"], "grades": {"b": 2}, "adopt": None}
    )
    assert [line.split(": ", 1)[1] for line in words] == ["A; C", "B = 2", "(blank)"]

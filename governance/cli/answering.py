"""A member's answers: from arguments, or asked for one question after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import typer

from governance.canonical import parse_json
from governance.cli.console import clean, say
from governance.errors import InvalidAnswer
from governance.replay.definition import Asked, Definition
from governance.statements.vote import Answer

Answers = dict[str, Answer | None]


def from_arguments(
    definition: Definition,
    *,
    approve: str | None = None,
    score: str | None = None,
    choice: str | None = None,
    given: Sequence[str] = (),
) -> Answers:
    """The answers of `--approve a,b`, `--score a=3,b=1`, `--choice yes` and `--answer question=JSON`.

    Raises:
        InvalidAnswer: not readable, twice, or for no question; the rules themselves are asked later.
    """
    answers: Answers = {}
    marks: dict[str, Answer | None] = {
        "approval": None if approve is None else _names(approve),
        "score": None if score is None else _points(score),
        "choice": choice,
    }
    for form, value in marks.items():
        if value is not None:
            asked = _only(definition, form)
            answers[asked.question.id] = _named(asked, value)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in answers:
            raise InvalidAnswer(f"--answer takes QUESTION=JSON, once for each question; not {text[:80]!r}")
        answers[name] = _json(value)
    return answers


def _names(text: str) -> list[str | list[str]]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _points(text: str) -> dict[str, int]:
    points: dict[str, int] = {}
    for pair in _names(text):
        name, _, number = str(pair).partition("=")
        try:
            points[name.strip()] = int(number)
        except ValueError as e:
            raise InvalidAnswer(
                f"--score takes OPTION=NUMBER, separated by commas; not {str(pair)[:80]!r}"
            ) from e
    return points


def _only(definition: Definition, form: str) -> Asked:
    fitting = [a for a in definition.questions if a.rule.form(a.params) == form]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        forms = ", ".join(f"{a.question.id}: {a.rule.form(a.params)}" for a in definition.questions)
        raise InvalidAnswer(f"no question here is answered with {form}; the questions are {forms}")
    raise InvalidAnswer(f"several questions take {form}; use --answer QUESTION=JSON")


def _named(asked: Asked, answer: Answer) -> Answer:
    """Option numbers, as the listing shows them, turned into ids where no option has that id."""
    ids = [o.id for o in asked.options]

    def known(mark: str) -> str:
        if mark in ids or not mark.isascii() or not mark.isdigit() or not 1 <= int(mark) <= len(ids):
            return mark
        return ids[int(mark) - 1]

    if isinstance(answer, str):
        return known(answer)
    if isinstance(answer, Mapping):
        return {known(mark): points for mark, points in answer.items()}
    return [known(mark) if isinstance(mark, str) else mark for mark in answer]


def _json(text: str) -> Answer | None:
    try:
        return msgspec.convert(parse_json(text.encode()), Answer | None)  # type: ignore[no-any-return]
    except msgspec.ValidationError as e:
        raise InvalidAnswer(f"--answer: {e}") from e


def ask(definition: Definition) -> Answers:
    """The answers that somebody at the terminal gives; an answer that the rule refuses is asked for again."""
    answers: Answers = {}
    for asked in definition.questions:
        show_question(asked)
        while True:
            try:
                answer = _ask_one(asked)
                if answer is not None:
                    asked.rule.check_answer(asked.options, asked.params, answer, "")
                answers[asked.question.id] = answer
                break
            except InvalidAnswer as e:
                say(f"  {e.detail}")
    return answers


def show_question(asked: Asked) -> None:
    """The question with its numbered options."""
    say("", f"Question: {asked.question.title}")
    if asked.question.text:
        say(asked.question.text)
    for number, option in enumerate(asked.options, 1):
        cost = "" if option.cost is None else f"   (cost {option.cost})"
        say(f"  {number:>3}. {option.title or option.id}{cost}   [{option.id}]")
    budget = getattr(asked.params, "budget", None)
    if budget is not None:
        say(f"  The budget is {budget}.")


_PROMPTS = {
    "approval": "Which do you support? Numbers or ids with commas between; Enter to leave it blank",
    "score": "Your points: number=points with commas between (2=5,4=1); Enter to leave it blank",
    "choice": "Your choice (number or id); Enter to leave it blank",
}


def _ask_one(asked: Asked) -> Answer | None:
    form = asked.rule.form(asked.params)
    prompt = _PROMPTS.get(form, "Your answer as JSON; Enter to leave it blank")
    text = typer.prompt(prompt, default="", show_default=False).strip()
    if not text:
        return None
    match form:
        case "approval":
            return _named(asked, _names(text))
        case "score":
            return _named(asked, _points(text))
        case "choice":
            return _named(asked, text)
    return _json(text)


def in_words(definition: Definition, answers: Answers) -> list[str]:
    """What the answers say, one line a question."""
    lines = []
    for asked in definition.questions:
        titles = {o.id: o.title or o.id for o in asked.options}
        answer = answers.get(asked.question.id)
        lines.append(f"  {clean(asked.question.title)}: {_words(answer, titles)}")
    return lines


def _words(answer: Answer | None, titles: Mapping[str, str]) -> str:
    if answer is None:
        return "(blank)"
    if isinstance(answer, str):
        return titles.get(answer, answer)
    if isinstance(answer, Mapping):
        return "; ".join(f"{titles.get(o, o)} = {n}" for o, n in answer.items()) or "(no points)"
    marks = [
        titles.get(m, m) if isinstance(m, str) else " = ".join(titles.get(x, x) for x in m) for m in answer
    ]
    return "; ".join(marks) or "(nothing marked)"

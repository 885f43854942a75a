"""Answers of one form read as another: marks as points, points as ranks, a first rank as a choice."""

from __future__ import annotations

from governance.counting.files.ballot_file import BallotFile
from governance.counting.profile import Answer
from governance.counting.registry import RULES


def is_ranked(file: BallotFile) -> bool:
    """Whether lists of the file are in order of preference; a rule we do not know may mean that."""
    forms = {rule.answer_form for (name, _), rule in RULES.items() if name == file.rule}
    return not forms or "ranking" in forms


def in_form(answer: Answer, form: str, *, ranked: bool = True) -> Answer:
    """An answer in the form of another rule, where that is plain; anything else stays for `check_answer`.

    `ranked` says whether a list is in order of preference already.
    """
    if form == "ranking":
        return _as_ranking(answer, ranked=ranked)
    if form == "choice":
        return _as_choice(answer, ranked=ranked)
    if form == "approval":
        if isinstance(answer, dict):
            return [option for option, points in answer.items() if points > 0]
        return [answer] if isinstance(answer, str) else answer
    if form == "score" and isinstance(answer, list):
        marks = [mark for mark in answer if isinstance(mark, str)]
        return dict.fromkeys(marks, 1) if len(set(marks)) == len(answer) else answer
    return answer


def _as_ranking(answer: Answer, *, ranked: bool) -> Answer:
    """Points as ranks, marks as one rank: options that a voter did not tell apart share a rank."""
    if isinstance(answer, dict):
        points = sorted({number for number in answer.values() if number > 0}, reverse=True)
        ranks = [[option for option in answer if answer[option] == number] for number in points]
        return [rank[0] if len(rank) == 1 else rank for rank in ranks]
    if isinstance(answer, str):
        return [answer]
    marks = [mark for mark in answer if isinstance(mark, str)]
    return answer if ranked or len(answer) < 2 or len(marks) < len(answer) else [marks]


def _as_choice(answer: Answer, *, ranked: bool) -> Answer:
    """The first of a ranking, the only mark, or the option with the most points; ties stay as they are."""
    ranking = _as_ranking(answer, ranked=ranked)
    first = next((rank for rank in ranking if rank), None)
    if isinstance(first, list) and len(first) == 1:
        return first[0]
    return first if isinstance(first, str) else answer

"""A ballot's definition made ready: rules looked up, parameters typed, everything checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from governance import limits
from governance.counting.option import Option
from governance.counting.registry import get_rule
from governance.counting.rule import Rule
from governance.errors import InvalidAnswer, InvalidDefinition, MalformedPolicy, TooLarge, Unsupported
from governance.log.policy import NONE, Policy, parse_policy
from governance.statements.ballot import Ballot, Question
from governance.statements.vote import Answer

FEATURES = frozenset({"delegation/v1", "joint-ballot/v1", "open-ballot/v1"})
"""What this version can verify; a definition that requires more is refused, not guessed at."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its rule and typed parameters."""

    question: Question
    rule: Rule[Any]
    params: Any
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked definition; `digest` names the signed statement."""

    ballot: Ballot
    digest: str
    questions: tuple[Asked, ...]

    def check_answers(self, answers: dict[str, Answer | None]) -> None:
        """That every answer is one its rule accepts; blank (None or absent) always is.

        Raises:
            InvalidAnswer: with the JSON pointer of the offending value.
        """
        known = 0
        for asked in self.questions:
            identifier = asked.question.id
            if identifier in answers:
                known += 1
                answer = answers[identifier]
                if answer is not None:
                    asked.rule.check_answer(asked.options, asked.params, answer, f"/answers/{identifier}")
        if known != len(answers):
            extra = sorted(set(answers) - {a.question.id for a in self.questions})[0]
            raise InvalidAnswer(f"this ballot has no question {extra}", pointer=f"/answers/{extra}")


def check_definition(ballot: Ballot, digest: str) -> Definition:
    """The definition ready for use.

    Raises:
        InvalidDefinition: parts that do not fit together, with the JSON pointer.
        Unsupported: a rule, rule version or required feature this version does not know.
    """
    missing = sorted(set(ballot.requires) - FEATURES)
    if missing:
        raise Unsupported(
            f"this ballot requires {missing[0]}, which this version cannot verify", pointer="/requires"
        )
    if ballot.closes_at <= ballot.opens_at:
        raise InvalidDefinition("the ballot would close before it opens", pointer="/closes_at")
    if ballot.extension > ballot.closes_at - ballot.opens_at:
        raise InvalidDefinition("an extension may not be longer than the window itself", pointer="/extension")
    if ballot.extension and ballot.quorum is None:
        raise InvalidDefinition("an extension without a quorum would never happen", pointer="/extension")
    _check_quorum(ballot)
    _check_cap(ballot)
    _check_policy(ballot.witness_policy)
    _unique([q.id for q in ballot.questions], "/questions")
    _unique([h.id for h in ballot.nonce_holders], "/nonce_holders")
    asked = tuple(_ask(question, f"/questions/{i}") for i, question in enumerate(ballot.questions))
    if ballot.delegation_rule is not None:
        _check_weighted(asked)
    return Definition(ballot, digest, asked)


def _check_quorum(ballot: Ballot) -> None:
    if ballot.quorum is not None:
        share = ballot.quorum.participation
        if share.numerator > share.denominator or (share.strict and share.numerator == share.denominator):
            raise InvalidDefinition("this quorum could never be met", pointer="/quorum/participation")


def _check_cap(ballot: Ballot) -> None:
    rule = ballot.delegation_rule
    if rule is not None and rule.cap is not None:
        cap = rule.cap
        if cap.numerator == 0:
            raise InvalidDefinition("nobody could carry anything; say none", pointer="/delegation/cap")
        if cap.numerator >= cap.denominator:
            raise InvalidDefinition("this cap would never limit anything", pointer="/delegation/cap")


def _check_weighted(questions: tuple[Asked, ...]) -> None:
    """A delegate's vote counts with the weight of several."""
    for position, asked in enumerate(questions):
        if not asked.rule.takes_weights:
            raise InvalidDefinition(
                f"{asked.rule.id} counts every vote once; it cannot take delegated weight",
                pointer=f"/questions/{position}/rule",
            )


@lru_cache(maxsize=256)
def _policy(text: str) -> Policy:
    return parse_policy(text.encode())


def witness_policy(ballot: Ballot) -> Policy | None:
    """The witnesses that a checked ballot waits for before it is counted, None when it names none."""
    return _policy(ballot.witness_policy) if ballot.witness_policy else None


def _check_policy(text: str) -> None:
    """Readable, about witnesses alone, and not met by nobody (protocol 4)."""
    if not text:
        return
    pointer = "/witness_policy"
    try:
        policy = _policy(text)
    except (MalformedPolicy, TooLarge) as e:
        raise InvalidDefinition(f"the witness policy cannot be read: {e.detail}", pointer=pointer) from e
    if policy.logs:
        raise InvalidDefinition("the ballot's log has no key yet; name witnesses only", pointer=pointer)
    if policy.quorum == NONE:
        raise InvalidDefinition("a policy asks for a quorum; leave it empty for none", pointer=pointer)
    names = {(witness.key.name, witness.key.key_id) for witness in policy.witnesses}
    if len(names) < len(policy.witnesses):
        raise InvalidDefinition("two witness keys share a name and a key id", pointer=pointer)
    if len(policy.witness_verifiers) >= limits.NOTE_SIGNATURES:
        raise InvalidDefinition("that many witnesses do not fit one checkpoint", pointer=pointer)


def _ask(question: Question, pointer: str) -> Asked:
    rule = get_rule(question.rule.id, question.rule.version)
    silent = sorted({f.name for f in msgspec.structs.fields(rule.Params)} - set(question.rule.params))
    if silent:
        raise InvalidDefinition(
            f"{rule.id} needs every parameter written down; missing: {', '.join(silent)}",
            pointer=f"{pointer}/rule/params",
        )
    params = rule.parse_params(question.rule.params, f"{pointer}/rule")
    options = tuple(Option(o.id, o.title, None if o.cost is None else int(o.cost)) for o in question.options)
    _unique([o.id for o in options], f"{pointer}/options")
    rule.check_definition(options, params, pointer)
    return Asked(question, rule, params, options)


def _unique(names: list[str], pointer: str) -> None:
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            raise InvalidDefinition(f"{name} stands twice", pointer=f"{pointer}/{position}")
        seen.add(name)

"""Yes or no, with a support threshold and a minimum participation, in whole numbers.

Names as the field uses them: support threshold and minimum participation (Aragon OSx), For, Against and
Abstain (OpenZeppelin Governor). Abstentions and blank votes never count as support.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

from governance.counting.checks import at, decimal, refuse
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step
from governance.counting.profile import Answer, Profile
from governance.counting.rule import Rule
from governance.counting.threshold import Threshold
from governance.errors import InvalidDefinition

YES, NO, ABSTAIN = "yes", "no", "abstain"


class YesNoParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it takes to adopt.

    `support_base`: "votes" measures support against yes and no votes (simple majority, supermajority),
    "electorate" against everybody on the roll (absolute majority). `participation`: "votes" asks that so many
    vote, "yes" that so many vote yes; `abstentions_participate` says whether abstentions and blank votes help
    to reach the first.
    """

    support_threshold: Threshold = Threshold(1, 2, strict=True)
    support_base: Literal["votes", "electorate"] = "votes"
    minimum_participation: Threshold = Threshold(0, 1, strict=False)
    participation: Literal["votes", "yes"] = "votes"
    abstentions_participate: bool = True


class YesNo(Rule[YesNoParams]):
    """Adopted when the minimum participation and the support threshold are both reached."""

    id: ClassVar[str] = "yes-no"
    title: ClassVar[str] = "Yes or no with thresholds"
    reference: ClassVar[str] = "Aragon OSx majority voting; OpenZeppelin Governor"
    answer_form: ClassVar[str] = "choice"
    tie_rule: ClassVar[str] = "none: the strictness of the threshold decides"
    Params = YesNoParams

    def _check(self, options: Sequence[Option], params: YesNoParams, pointer: str) -> None:
        ids = [option.id for option in options]
        if sorted(ids) not in ([NO, YES], [ABSTAIN, NO, YES]):
            raise InvalidDefinition(
                f"the options of a yes-no question are 'yes', 'no' and perhaps 'abstain'; here: {ids[:5]}",
                pointer=at(pointer, "options"),
            )
        for name in ("support_threshold", "minimum_participation"):
            share: Threshold = getattr(params, name)
            if not share.met(1, 1):
                raise InvalidDefinition(
                    f"{name.replace('_', ' ')} of {share} can never be reached",
                    pointer=f"{pointer}/params/{name}",
                )

    def check_answer(
        self, options: Sequence[Option], params: YesNoParams, answer: Answer, pointer: str = ""
    ) -> None:
        """One of the options."""
        del params
        if not isinstance(answer, str):
            raise refuse("wrong-form", "Answer this question with one choice.", pointer)
        ids = [option.id for option in options]
        if answer not in ids:
            raise refuse("unknown-option", f"There is no choice {answer[:80]!r}; choose {_or(ids)}.", pointer)

    def count(
        self, options: Sequence[Option], params: YesNoParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """`winners` is yes when adopted, no when rejected, and nobody when too few took part."""
        weights = dict.fromkeys((option.id for option in options), 0)
        for answer, weight in profile.groups:
            if isinstance(answer, str):
                weights[answer] += weight
        yes, no = weights[YES], weights[NO]
        took_part, participation = _participation(params, profile, yes, no)
        supported, support = _support(params, profile, yes, no)
        decision = "participation-too-low" if not took_part else "adopted" if supported else "rejected"
        first, second = (YES, NO) if took_part and supported else (NO, YES)
        rest = [option for option in weights if option == ABSTAIN]
        return Outcome(
            rule=self.id,
            options=list(weights),
            winners=[first] if took_part else [],
            ranking=[[first], [second], *([option] for option in rest)],
            order=[first, second, *rest],
            totals=decimal(weights.items()),
            steps=[
                Step("count", list(weights), decimal(weights.items()), f"{profile.blank} blank."),
                Step("participation", [], {}, participation),
                Step("support", [YES], decimal([(YES, yes)]), support),
            ],
            lot=list(lot),
            facts={
                "decision": decision,
                "participation_reached": "yes" if took_part else "no",
                "support_reached": "yes" if supported else "no",
                **decimal([("electorate_weight", profile.electorate), ("turnout_weight", profile.turnout)]),
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
            },
        )


def _participation(params: YesNoParams, profile: Profile, yes: int, no: int) -> tuple[bool, str]:
    if params.participation == "yes":
        part, what = yes, "voted yes"
    elif params.abstentions_participate:
        part, what = profile.turnout, "voted, abstentions and blank votes included"
    else:
        part, what = yes + no, "voted yes or no"
    met = params.minimum_participation.met(part, profile.electorate)
    verdict = "Reached" if met else "Not reached"
    return met, f"{verdict}: {part} of {profile.electorate} {what}; needed: {params.minimum_participation}."


def _support(params: YesNoParams, profile: Profile, yes: int, no: int) -> tuple[bool, str]:
    by_roll = params.support_base == "electorate"
    whole, what = (profile.electorate, "the electorate") if by_roll else (yes + no, "yes and no votes")
    # With nobody saying anything, 0 of 0 would reach any share that is not strict.
    met = yes > 0 and params.support_threshold.met(yes, whole)
    verdict = "Reached" if met else "Not reached"
    return met, f"{verdict}: {yes} yes of {whole} ({what}); needed: {params.support_threshold}."


def _or(ids: Sequence[str]) -> str:
    return ", ".join(ids[:-1]) + " or " + ids[-1]

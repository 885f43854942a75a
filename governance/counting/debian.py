"""The default option of the Debian Constitution (A.6): quorum and majority against "none of the above"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from governance.counting.checks import at
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step
from governance.counting.pairwise import Matrix, PairwiseParams
from governance.counting.profile import Profile
from governance.counting.threshold import Threshold
from governance.errors import InvalidDefinition

Electors: TypeAlias = Annotated[str, Meta(pattern=r"^(roll|[1-9][0-9]{0,38})$")]

_SIMPLE: Final = Threshold(1, 1, strict=True)


class SchulzeParams(PairwiseParams, frozen=True, forbid_unknown_fields=True):
    """`default_option` asks for the Debian form, with its own parameters.

    `majority_ratio`: V(A,D) to V(D,A), for every option A that `majority_ratios` does not name.
    `quorum_electors`: the number n of the quorum, or "roll" for the weight of the electorate; an option needs
    at least 3/2 times the square root of n.
    """

    default_option: str | None = None
    majority_ratio: Threshold = _SIMPLE
    majority_ratios: dict[str, Threshold] | None = None
    quorum_electors: Electors | None = None


def check_default(options: Sequence[Option], params: SchulzeParams, pointer: str) -> None:
    """The default option exists where it is needed, and the ratios are of other options.

    Raises:
        InvalidDefinition: with the place.
    """
    if params.default_option is None:
        _check_unused(params, pointer)
        return
    ids = [option.id for option in options]
    default = params.default_option
    if default not in ids or len(ids) == 1:
        raise InvalidDefinition(
            f"the default option {default[:80]!r} is not one of at least two options",
            pointer=f"{pointer}/params/default_option",
        )
    ratios = [("majority_ratio", params.majority_ratio)]
    for name, ratio in (params.majority_ratios or {}).items():
        place = at("majority_ratios", name)
        if name not in ids or name == default:
            raise InvalidDefinition(
                f"there is no option {name[:80]!r} to need a majority", pointer=f"{pointer}/params/{place}"
            )
        ratios.append((place, ratio))
    for place, ratio in ratios:
        if ratio.numerator == 0:
            raise InvalidDefinition(
                "a majority ratio of 0 asks for nothing", pointer=f"{pointer}/params/{place}"
            )


def _check_unused(params: SchulzeParams, pointer: str) -> None:
    unused = {
        "majority_ratio": params.majority_ratio != _SIMPLE,
        "majority_ratios": bool(params.majority_ratios),
        "quorum_electors": params.quorum_electors is not None,
    }
    for name, given in unused.items():
        if given:
            raise InvalidDefinition(
                f"{name} compares options with a default option, and none is named",
                pointer=f"{pointer}/params/{name}",
            )


def drop_weak(
    ids: Sequence[str], beats: Matrix, params: SchulzeParams, profile: Profile
) -> tuple[list[int], list[Step]]:
    """The numbers of the options that stay, the default among them, and why each other one is dropped."""
    if params.default_option is None:
        return list(range(len(ids))), []
    default = ids.index(params.default_option)
    kept: list[int] = []
    steps: list[Step] = []
    for a, name in enumerate(ids):
        reason = (
            None if a == default else _weakness(name, beats[a][default], beats[default][a], params, profile)
        )
        if reason is None:
            kept.append(a)
        else:
            steps.append(Step("drop", [name], {name: str(beats[a][default])}, reason))
    return kept, steps


def _weakness(name: str, above: int, below: int, params: SchulzeParams, profile: Profile) -> str | None:
    """Why an option cannot win against the default (A.6.2, A.6.3); None when it can."""
    electors = profile.electorate if params.quorum_electors == "roll" else int(params.quorum_electors or 0)
    # R = 3Q with Q = sqrt(n)/2 (4.2.7): above >= R, squared so that no root is taken.
    if 4 * above * above < 9 * electors:
        return (
            f"{name}: {above} rank it above the default option, fewer than 3/2 times the square root "
            f"of {electors} (quorum, A.6.2)."
        )
    ratio = (params.majority_ratios or {}).get(name, params.majority_ratio)
    if not ratio.met(above, below):
        return (
            f"{name}: {above} rank it above the default option and {below} below; needed: {ratio} times as "
            "many above as below (majority, A.6.3)."
        )
    return None


def elect_above_default(outcome: Outcome, params: SchulzeParams) -> Outcome:
    """Nothing that the default option beats wins a seat; when it comes first it wins alone."""
    default = params.default_option
    if default is None or default not in outcome.winners:
        return outcome
    above = outcome.winners[: outcome.winners.index(default)]
    winners = above or [default]
    note = (
        f"Only what comes before the default option {default} is elected."
        if above
        else f"The default option {default} comes first: nothing else is chosen."
    )
    steps = [*outcome.steps[:-1], Step("elect", winners, {}, note)]
    return msgspec.structs.replace(outcome, winners=winners, steps=steps)

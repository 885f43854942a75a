"""What members and stewards say about delegation on the command line, as statements have it."""

from __future__ import annotations

import msgspec

from governance.errors import InvalidStatement, MalformedRequest
from governance.replay.schedule import next_quarter, quarter_of
from governance.statements.delegation import DelegationRule, Scope
from governance.statements.space import Constitution

_SHAPE = "lost or ranked, then if wanted ,topic=a/b ,depth=5 ,cap=1/10"


def parse_rule(text: str) -> DelegationRule:
    """The rule of `lost` or `ranked,topic=energy/heat,depth=5,cap=1/10`.

    Raises:
        MalformedRequest: another form.
    """
    fallback, *more = text.split(",")
    given = dict(part.partition("=")[::2] for part in more)
    if set(given) - {"topic", "depth", "cap"} or len(given) < len(more):
        raise MalformedRequest(f"--delegation takes {_SHAPE}; not {text[:60]!r}")
    try:
        return msgspec.convert(
            {
                "topic": given.get("topic"),
                "fallback": fallback,
                "max_depth": int(given["depth"]) if "depth" in given else None,
                "cap": _share(given["cap"]) if "cap" in given else None,
            },
            DelegationRule,
        )
    except (msgspec.ValidationError, ValueError) as e:
        raise MalformedRequest(f"--delegation takes {_SHAPE}; {text[:60]!r}: {e}") from e


def _share(text: str) -> dict[str, int | bool]:
    numerator, _, denominator = text.partition("/")
    return {"numerator": int(numerator), "denominator": int(denominator), "strict": False}


def scope_of(ballot: str | None, topic: str | None, space_wide: bool) -> str:
    """The one scope that was said.

    Raises:
        MalformedRequest: none or several, or not a name or a path.
    """
    said = [f"ballot:{ballot}"] if ballot is not None else []
    said += [f"topic:{topic}"] if topic is not None else []
    said += ["space"] if space_wide else []
    if len(said) != 1:
        raise MalformedRequest("say what for: one of --ballot NAME, --topic PATH, --space-wide")
    try:
        return msgspec.convert(said[0], Scope)
    except msgspec.ValidationError as e:
        raise MalformedRequest(f"{said[0][:80]!r} is no ballot's name or topic such as energy/heat") from e


def furthest(constitution: Constitution, now: int) -> str:
    """The last quarter that a delegation made now may reach.

    Raises:
        InvalidStatement: the constitution allows no delegation.
    """
    if constitution.delegation_quarters is None:
        raise InvalidStatement(
            "the constitution of this space allows no delegation; a steward can: `althing space delegation`"
        )
    quarter = quarter_of(now)
    for _ in range(constitution.delegation_quarters):
        quarter = next_quarter(quarter)
    return quarter


def scope_in_words(scope: str) -> str:
    """The scope as people say it."""
    kind, _, name = scope.partition(":")
    return {"ballot": f"the ballot {name}", "topic": f"the topic {name}"}.get(kind, "the whole space")

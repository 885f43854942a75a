"""`althing joint propose`: a manifest from the addresses of the communities and a ballot's questions."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from governance.audit.checks import Findings
from governance.audit.instance import audit_instance
from governance.audit.structure import Workers
from governance.audit.verdict import Verdict
from governance.canonical import encode
from governance.cli import casting, home, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, when
from governance.cli.options import Json
from governance.cli.place import parse_place
from governance.cli.times import parse_time
from governance.counting.threshold import Threshold
from governance.errors import InvalidDefinition, MalformedRequest, NotFound
from governance.fetch.choose import open_source
from governance.replay.joint_manifest import check_manifest, manifest_digest
from governance.service.answers import SpaceView
from governance.statements.ballot import Ballot
from governance.statements.joint import DoubleMajority, Manifest, Pooled, Shard, VetoShare
from governance.statements.space import Quorum

_share: Final = re.compile(r"(>?)([0-9]{1,9})/([1-9][0-9]{0,8})")
_span: Final = re.compile(r"[0-9]{1,5}\s*[smhdw]")


def propose(  # noqa: PLR0913, PLR0917  # each is a decision that the communities make together
    name: Annotated[str, typer.Argument(help="Short name of the ballot, the same in every community.")],
    community: Annotated[
        list[str], typer.Argument(help="Addresses of the spaces; who is in several votes in the first.")
    ],
    questions: Annotated[
        str, typer.Option("--from", help="A ballot with the questions: its address, or a saved definition.")
    ],
    closes: Annotated[str, typer.Option(help="+7d, 2027-01-05.")],
    opens: Annotated[str, typer.Option(help="As --closes; all must have accepted before.")] = "+1d",
    grace: Annotated[str, typer.Option(help="How long a result waits for late parts: 12h, 2d.")] = "1d",
    minimum: Annotated[
        int | None, typer.Option(help="Parts that a result needs.  [default: all but one, at least 2]")
    ] = None,
    partial: Annotated[str, typer.Option(help="With fewer than all: count, or refuse.")] = "count",
    double: Annotated[
        str | None,
        typer.Option(
            help="Double majority: MEMBERS,COMMUNITIES, such as >1/2,2/3 (> asks for more than).",
            metavar="M,C",
        ),
    ] = None,
    veto: Annotated[
        str | None,
        typer.Option(help="A community vetoes with this share against: 1/2, or 1/3,electorate."),
    ] = None,
    quorum: Annotated[str | None, typer.Option(help="Share of all members that must vote: 1/5.")] = None,
    title: Annotated[str | None, typer.Option(help="What people read above the ballot.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write the manifest.", metavar="FILE")] = Path(
        "manifest.json"
    ),
    as_json: Json = False,
) -> None:
    """Write the manifest of a joint ballot. Nothing is sent: the file is for the stewards of all communities.

    The communities are looked up at their addresses and named by instance, log and log key. Each steward then
    looks at the file (`althing joint show`) and accepts it (`althing joint accept`).
    """
    now = int(time.time())
    source = _definition(questions)
    shards = [_shard(url) for url in community]
    manifest = Manifest(
        protocol=1,
        title=title or source.title,
        text=source.text,
        ballot=name,
        quarter=source.quarter,
        questions=source.questions,
        eligibility=source.eligibility,
        quorum=None if quorum is None else Quorum(share_of(quorum), abstentions_count=True),
        shards=shards,
        opens_at=parse_time(opens, now),
        closes_at=parse_time(closes, now),
        grace=_seconds(grace),
        minimum=_minimum(minimum, partial, len(shards)),
        partial=partial,
        overlap="first-shard",
        combine=_combine(double, veto),
        witness_policy=source.witness_policy,
        requires=[],
    )
    manifest = _valid(manifest)
    check_manifest(manifest)
    home.write_new(out, encode(manifest))
    if as_json:
        emit({"manifest": manifest_digest(manifest), "file": str(out), "opens_at": manifest.opens_at})
        return
    say(
        f"✓ {out}: {manifest_digest(manifest)}",
        f"  {len(shards)} communities, open from {when(manifest.opens_at)} to {when(manifest.closes_at)}.",
        "  Give it to every steward, and tell them this digest another way. Each of them:",
        f"  althing joint accept {out} --url ADDRESS, before it opens; then althing joint open {out}",
    )


def _definition(source: str) -> Ballot:
    if "://" not in source:
        data = home.read_file(Path(source), "definition", "save one with `althing ballot show NAME --save`")
        return casting.read_definition(data.strip()).ballot
    place = parse_place(source)
    if place.space is None or place.ballot is None:
        raise MalformedRequest("--from takes the address of a ballot: https://…/spaces/SPACE/ballots/BALLOT")
    with Client(place.base_url) as client:
        return casting.fetch_definition(client, place.space, place.ballot)[1].ballot


def _shard(url: str) -> Shard:
    """The community at an address; its instance's log is verified."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, None)
        view = client.get(spaces.path(name), SpaceView)
    findings = Findings()
    state = audit_instance(open_source(place.base_url).files, findings, None, Workers())
    Verdict.of(url, None, findings.checks).raise_for_failure()
    notice = None if state is None else state.spaces.get(name)
    if state is None or state.document is None or notice is None:
        raise NotFound(f"the instance at {place.base_url} keeps no space {name}")
    document = state.document
    return Shard(document.id, document.base_url, name, notice.origin, notice.vkey, view.title, [])


def _minimum(given: int | None, partial: str, count: int) -> int:
    if given is not None:
        return given
    return count if partial == "refuse" else max(min(2, count), count - 1)


def _combine(double: str | None, veto: str | None) -> Pooled | DoubleMajority | VetoShare:
    if double is not None and veto is not None:
        raise MalformedRequest("choose one of --double and --veto")
    if double is not None:
        members, comma, communities = double.partition(",")
        if not comma:
            raise MalformedRequest("--double takes two shares: >1/2,2/3")
        return DoubleMajority(share_of(members), share_of(communities))
    if veto is not None:
        share, _, base = veto.partition(",")
        return VetoShare(share_of(share), base or "votes")
    return Pooled()


def share_of(text: str) -> Threshold:
    """The share of `2/3` (at least) or `>1/2` (more than).

    Raises:
        MalformedRequest: another form.
    """
    found = _share.fullmatch(text.strip())
    if found is None:
        raise MalformedRequest(f"{text[:40]!r} is no share; write 2/3, or >1/2 for more than half")
    return Threshold(int(found[2]), int(found[3]), strict=bool(found[1]))


def _seconds(text: str) -> int:
    if not _span.fullmatch(text.strip()):
        raise MalformedRequest(f"{text[:40]!r} is no time span; write 12h or 2d")
    return parse_time(f"+{text.strip()}", 0)


def _valid(manifest: Manifest) -> Manifest:
    """The same, with every bound of its fields checked."""
    try:
        return msgspec.convert(msgspec.to_builtins(manifest), Manifest)
    except msgspec.ValidationError as e:
        raise InvalidDefinition(f"this cannot stand in a manifest: {e}") from e


def summary(manifest: Manifest) -> Sequence[str]:
    """A manifest for reading, line by line."""
    combine = manifest.combine
    if isinstance(combine, DoubleMajority):
        how = f"double majority: {combine.members} of the votes, in {combine.communities} of the communities"
    elif isinstance(combine, VetoShare):
        how = f"all votes together; {combine.share} of the {combine.base} of one community against is a veto"
    else:
        how = "all votes together"
    late = "the parts that are there count" if manifest.partial == "count" else "there is no result"
    return [
        manifest.title,
        manifest.text,
        f"  manifest: {manifest_digest(manifest)}",
        f"  open from {when(manifest.opens_at)} to {when(manifest.closes_at)}",
        f"  decided by {how}",
        f"  with fewer than all parts {manifest.grace // 3600} hours after the close: {late}, if at least "
        f"{manifest.minimum}",
        *(f"  {n}. {s.title}: {s.origin}, instance {s.instance}" for n, s in enumerate(manifest.shards, 1)),
        "  Who is in several communities votes in the first of them.",
    ]

"""`althing joint`: ballots that several communities decide together."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from governance.audit.joint import read_acceptance, read_space
from governance.canonical import encode
from governance.cli import home, spaces
from governance.cli.answering import show_question
from governance.cli.client import Client
from governance.cli.console import emit, say, short, when
from governance.cli.joint_propose import propose, summary
from governance.cli.meant import Ballot, Meant
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.place import Place, parse_place
from governance.cli.signing import load_identity, signed
from governance.errors import InvalidStatement, NotFound
from governance.fetch.choose import open_source
from governance.replay.definition import check_definition
from governance.replay.joint_manifest import (
    check_manifest,
    manifest_digest,
    overlaps,
    parse_manifest,
    roll_ref,
    shard_ballot,
)
from governance.replay.joint_result import JointResult
from governance.service.answers import DraftRecorded, Recorded
from governance.service.joint_answers import JointBrief, JointView
from governance.statements.electorate import Voter, summarise
from governance.statements.joint import JointAcceptance, Manifest

group = typer.Typer(no_args_is_help=True)
group.command()(propose)

File = Annotated[Path, typer.Argument(help="The manifest.", metavar="FILE")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="joint", help="Joint ballots: decide together with other communities.")


@group.command()
def show(
    manifest: Annotated[str, typer.Argument(help="The manifest's file; or sha256:… of one accepted here.")],
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show what a manifest says: who decides what, when, and how the parts are combined."""
    found = _fetched(manifest, space, url) if manifest.startswith("sha256:") else _read(Path(manifest))
    if as_json:
        emit({"digest": manifest_digest(found), "manifest": found})
        return
    say(*summary(found))
    for asked in check_definition(shard_ballot(found, 0, [], [], "", 0), "").questions:
        show_question(asked)
        say(f"  Counted by: {asked.rule.title}. Ties: {asked.rule.tie_rule}.")


def _read(path: Path) -> Manifest:
    manifest = parse_manifest(home.read_file(path, "manifest", "write one with `althing joint propose`"))
    check_manifest(manifest)
    return manifest


def _fetched(digest: str, space: str | None, url: str) -> Manifest:
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        view = client.get(spaces.path(name, "joint", digest), JointView)
    manifest = msgspec.convert(view.document, Manifest)
    if manifest_digest(manifest) != digest:
        raise InvalidStatement("the service shows another manifest than was asked for")
    return manifest


@group.command()
def accept(
    manifest: File,
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Take part: sign that your community accepts the manifest. Its roll is frozen as it is now."""
    found, who, place = _read(manifest), load_identity(key), parse_place(url)
    with Client(place.base_url) as client:
        position = _position(found, client, place, space)
        name = found.shards[position].space
        state = read_space(open_source(place.base_url).files, found, position)
        rows = state.roll(found.eligibility.roles, found.eligibility.weights)
        new = JointAcceptance(
            instance=client.instance,
            space=name,
            manifest=encode(found).decode(),
            roll=roll_ref(rows),
            electorate=summarise(rows),
            signer=who.member_id,
            accepted_at=int(time.time()),
        )
        if not (yes or as_json):
            say(*summary(found), f"  {len(rows)} members of {name} are on the roll, whoever joins later.")
            typer.confirm(f"Sign this for {name} as {short(who.member_id)}?", abort=True)
        recorded = client.post(spaces.path(name, "joint"), signed(new, who), Recorded)[1]
    if as_json:
        emit({"digest": recorded.digest, "index": recorded.index, "voters": len(rows)})
        return
    say(
        f"✓ {name} takes part with {len(rows)} members (entry {recorded.index} of its log).",
        f"  When all have accepted: althing joint open {manifest}",
    )


def _position(manifest: Manifest, client: Client, place: Place, space: str | None) -> int:
    """The place of the community at this address among the manifest's."""
    name = space or place.space
    here = [
        n
        for n, shard in enumerate(manifest.shards)
        if shard.base_url == client.base_url and (name is None or shard.space == name)
    ]
    if len(here) != 1:
        known = ", ".join(f"{s.base_url}/spaces/{s.space}" for s in manifest.shards)
        raise NotFound(f"say which community is yours with --url and --space; the manifest names {known}")
    return here[0]


@group.command("open")
def open_(
    manifest: File,
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Sign your community's part, once all have accepted. It opens by itself at the manifest's time.

    The logs of all communities are read and verified; whoever is in an earlier one is left out of your roll.
    """
    found, who, place = _read(manifest), load_identity(key), parse_place(url)
    with Client(place.base_url) as client:
        position = _position(found, client, place, space)
        names, rolls = _acceptances(found)
        excluded = overlaps(rolls)[position]
        part = shard_ballot(found, position, names, excluded, who.member_id, int(time.time()))
        voters = len(rolls[position]) - len(excluded)
        if not (yes or as_json):
            say(*summary(found), f"  {voters} members vote here, {len(excluded)} in an earlier community.")
            typer.confirm(f"Sign this part as {short(who.member_id)}?", abort=True)
        draft = client.post(spaces.path(part.space, "ballots"), signed(part, who), DraftRecorded)[1]
    if as_json:
        emit({"draft": draft, "voters": voters, "elsewhere": len(excluded)})
        return
    say(
        f"✓ The part of {part.space} is ready: {draft.url}",
        f"  {voters} members vote here, {len(excluded)} of its roll in an earlier community.",
        f"  It opens by itself on {when(part.opens_at)}.",
    )


def _acceptances(manifest: Manifest) -> tuple[list[str], list[list[Voter]]]:
    """The identities and frozen rolls of all acceptances, from every community's own log.

    Raises:
        NotFound: some have not accepted yet; names them.
    """
    names: list[str] = []
    rolls: list[list[Voter]] = []
    waiting: list[str] = []
    for position, shard in enumerate(manifest.shards):
        try:
            record, roll = read_acceptance(open_source(shard.base_url).files, manifest, position)
        except NotFound:
            waiting.append(shard.title)
            continue
        names.append(record.accepted)
        rolls.append(roll)
    if waiting:
        raise NotFound(f"not accepted yet by {', '.join(waiting)}; a part names the acceptances of all")
    return names, rolls


@group.command()
def status(ballot: Ballot, space: Space = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show how a joint ballot stands: accepted, partial, decided or disputed; and its result."""
    with Meant(ballot, space, url) as (client, place):
        path = spaces.path(str(place.space), "joint")
        briefs = [b for b in client.pages(path, JointBrief) if b.ballot == place.ballot]
        if not briefs:
            raise NotFound(f"{place.space} takes part in no joint ballot {place.ballot}")
        views = [client.get(spaces.path(str(place.space), "joint", b.manifest), JointView) for b in briefs]
        results = [_result(client, str(place.space), view) for view in views]
    if as_json:
        emit([{"joint": v, "result": r} for v, r in zip(views, results, strict=True)])
        return
    for view, result in zip(views, results, strict=True):
        say(*_told(view, result))


def _result(client: Client, space: str, view: JointView) -> JointResult | None:
    if view.outcome is None or view.dispute is not None:
        return None
    return client.get(spaces.path(space, "joint", view.manifest, "result"), JointResult)


def _told(view: JointView, result: JointResult | None) -> list[str]:
    shards: list[dict[str, Any]] = view.document["shards"]
    lines = [view.title, f"  {view.state}; manifest {view.manifest}"]
    lines.append(f"  accepted here with {view.electorate.count} members on the roll (entry {view.index})")
    if view.dispute is not None:
        others = ", ".join(shards[d.shard]["title"] for d in view.dispute.theirs)
        return [*lines, f"  DISPUTED: {others} has another result over the same parts; nothing is decided."]
    if result is None:
        return [*lines, f"  {len(shards)} communities; no joint result yet"]
    lines.append(f"  {result.status}: {result.voters} of {result.voters_on_roll} members voted")
    lines += [f"  missing: {m.origin}" for m in result.missing]
    if result.quorum == "missed":
        lines.append("  the quorum was missed; nothing is decided")
    for asked in result.questions:
        lines.append(f"  {asked.question}: {', '.join(asked.winners) or 'nothing'}. {asked.note}")
        lines += [
            f"    {shards[sub.shard]['title']}: {', '.join(sub.winners) or 'nothing'}"
            for sub in asked.communities
        ]
        lines += [f"    vetoed by {shards[v.shard]['title']} ({v.share} against)" for v in asked.vetoes]
    return lines

"""`althing member`: ask to join, enrol, list, change a key."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from governance.cli import founding, home, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, short, table
from governance.cli.key import Kind, generate
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.place import parse_place
from governance.cli.signing import load_identity, member_file, of, signed
from governance.errors import AlreadyExists, InvalidStatement, MalformedRequest
from governance.service.answers import MemberView
from governance.signing import suites
from governance.signing.fingerprint import fingerprint
from governance.statements.base import Key
from governance.statements.member import Member

group = typer.Typer(no_args_is_help=True)
ROLES = ("steward", "registrar", "auditor", "member")
Roles = Annotated[list[str] | None, typer.Option("--role", help="steward, registrar, auditor or member.")]
Weight = Annotated[str, typer.Option(help="Voting weight, where the constitution uses weights.")]
_id: Final = re.compile(r"sha256:[0-9a-f]{64}")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="member", help="Members: ask to join, enrol, list, change a key.")


def _roles(given: list[str] | None) -> list[str]:
    unknown = sorted(set(given or ()) - set(ROLES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no role; there are {', '.join(ROLES)}")
    return list(dict.fromkeys(given or ["member"]))


@group.command()
def request(  # noqa: PLR0917  # one parameter for each option
    space: Annotated[str, typer.Argument(help="The community's short name.")],
    file: Annotated[
        Path | None, typer.Argument(help="Where to write the request.  [default: SPACE.request]")
    ] = None,
    role: Roles = None,
    weight: Weight = "1",
    instance: Annotated[
        str | None,
        typer.Option(help="Id of the community's instance, sha256:….  [default: asked at the address]"),
    ] = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Write a signed request to join, for the community's registrar. It holds your public key and no name.

    It is good for that community alone. On a machine without network, say which instance it is of.
    """
    who, named = load_identity(key), _instance(instance, url)
    member = founding.enrolment(
        space, who, int(time.time()), instance=named, roles=_roles(role), weight=weight
    )
    path = file or Path(f"{space}.request")
    home.write_new(path, signed(member, who) + b"\n")
    if as_json:
        emit({"file": str(path), "member": who.member_id, "instance": named})
        return
    say(
        f"✓ Written to {path}. Send it to the community's registrar.",
        f"  It is good for {space} at the instance {fingerprint(named)} alone.",
        f"  You will be known as {who.member_id}",
    )


def _instance(given: str | None, url: str) -> str:
    if given is None:
        with Client(parse_place(url).base_url) as client:
            return client.instance
    if not _id.fullmatch(given):
        raise MalformedRequest(
            "the id of an instance is sha256: and 64 hex digits; `althing instance show` prints it"
        )
    return given


@group.command()
def approve(
    file: Annotated[Path, typer.Argument(help="The request.", exists=True, dir_okay=False)],
    key: KeyFile = None,
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Enrol who asks: checks their signature, adds yours as registrar, and submits."""
    data = file.read_bytes().strip()
    member = founding.read_request(data)
    if not (yes or as_json):
        say(
            f"{member.member}",
            f"  asks to join {member.space} as {', '.join(member.roles)}, weight {member.weight}",
        )
        typer.confirm("Enrol?", abort=True)
    registrar = load_identity(key)
    with Client(parse_place(url).base_url) as client:
        if member.instance != client.instance:
            # Before signing: elsewhere that signature might enrol somebody.
            other = "any instance" if member.instance is None else f"another instance, {member.instance}"
            raise InvalidStatement(
                f"this request is for {member.space} at {other}; have it made again with --url "
                f"{client.base_url}",
                pointer="/instance",
            )
        recorded = spaces.record(client, member.space, "members", founding.approve(data, registrar))
    if as_json:
        emit({"member": member.member, "index": recorded.index, "digest": recorded.digest})
        return
    say(f"✓ {short(member.member)} is enrolled in {member.space} (entry {recorded.index} of its log).")


@group.command()
def add(
    member_key: Annotated[Path, typer.Argument(help="The new member's private key file.", exists=True)],
    role: Roles = None,
    weight: Weight = "1",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Enrol somebody whose key file is on this machine: request and approval in one step."""
    place = parse_place(url)
    newcomer, registrar = load_identity(member_key), load_identity(key)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        member = founding.enrolment(
            name, newcomer, int(time.time()), instance=client.instance, roles=_roles(role), weight=weight
        )
        recorded = spaces.record(client, name, "members", signed(member, newcomer, registrar))
    if as_json:
        emit({"member": member.member, "index": recorded.index, "digest": recorded.digest})
        return
    say(f"✓ {short(member.member)} is enrolled in {name} (entry {recorded.index} of its log).")


@group.command("list")
def list_(space: Space = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the members: ids, roles, weights. There are no names in a log."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = list(client.pages(spaces.path(name, "members"), MemberView))
    if as_json:
        emit(found)
        return
    rows = [(m.member, ", ".join(m.roles), m.weight, m.suite, m.status) for m in found]
    table(f"{len(found)} members of {name}", ("member", "roles", "weight", "key", "status"), rows)


@group.command()
def rotate(
    new_key: Annotated[Path, typer.Argument(help="Where to write the new key.")],
    kind: Annotated[Kind, typer.Option(help="Kind of the new key.")] = Kind.ED25519,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Replace your key by a new one, signed by both. Your member id stays; the old key stops working."""
    place = parse_place(url)
    old = load_identity(key)
    if new_key.exists() or member_file(new_key).exists():
        raise AlreadyExists(f"{new_key} exists already and is never overwritten; give another name")
    fresh = generate(kind)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        view = spaces.member(client, name, old.member_id)
        if Key(view.suite, view.public) != old.enrolled:
            raise MalformedRequest(f"{old.member_id} has another key by now; give that one with --key")
        revision = rotation(name, view, Key(fresh.suite, fresh.public), int(time.time()))
        bound = spaces.bound(client, revision)
        home.write_new(member_file(new_key), old.member_id.encode() + b"\n", secret=True)
        home.write_new(new_key, fresh.dump(), secret=True)
        recorded = spaces.record(client, name, "members", signed(bound, old, of(fresh)))
    if as_json:
        emit({"member": old.member_id, "file": str(new_key), "index": recorded.index})
        return
    say(
        f"✓ From now on {short(old.member_id)} signs with {new_key}.",
        "  Ballots that are open now still take the old key. Keep both until they close.",
    )


def rotation(space: str, view: MemberView, key: Key, now: int) -> Member:
    """The revision of an enrolment that changes nothing but the key."""
    suites.get(key.suite).parse_key(key.public)
    return Member(
        space=space,
        member=view.member,
        key=key,
        roles=view.roles,
        weight=view.weight,
        status=view.status,
        previous=view.digest,
        enrolled_at=now,
    )

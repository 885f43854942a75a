"""`althing key`: make a key, name a key."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import home
from governance.cli.console import emit, say
from governance.cli.options import Json, KeyFile
from governance.cli.signing import Identity, load_identity, member_file
from governance.errors import AlreadyExists
from governance.signing import keyfile
from governance.signing.keyfile import PrivateKey

group = typer.Typer(no_args_is_help=True)


class Kind(StrEnum):
    """The kinds of key that are made here."""

    ED25519 = "ed25519"
    HYBRID = "hybrid"


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="key", help="Your key: what you sign votes with.")


def generate(kind: Kind) -> PrivateKey:
    """A new key from the system's randomness."""
    if kind is Kind.HYBRID:
        return keyfile.HybridKey(os.urandom(64))
    return keyfile.Ed25519Key(os.urandom(32))


@group.command()
def new(
    name: Annotated[
        Path | None, typer.Argument(help="File, or a name among your keys.  [default: key]")
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="ed25519, or hybrid: ed25519 with ML-DSA-44, against quantum computers.")
    ] = Kind.ED25519,
    ssh: Annotated[
        Path | None,
        typer.Option(
            help="Use this existing OpenSSH private key instead of making one.", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key, or take the SSH key you have. An existing file is never overwritten."""
    path = home.keys_directory() / (name or "key") if name is None or len(name.parts) == 1 else name
    if path.exists() or member_file(path).exists():
        raise AlreadyExists(f"{path} exists already and is never overwritten; give another name")
    if ssh is not None:
        who = load_identity(ssh)
        home.write_new(path, ssh.read_bytes(), secret=True)
    else:
        key = generate(kind)
        home.write_new(path, key.dump(), secret=True)
        who = Identity(key, key.member_id)
    _show(path, who, as_json)
    if not as_json:
        say(
            "",
            "Keep this file and a copy of it in a safe place: whoever has it can vote as you.",
            "Next: `althing member request` makes the file with which a community can enrol you.",
        )


@group.command()
def show(key: KeyFile = None, as_json: Json = False) -> None:
    """Name a key's public half; the private one is never printed."""
    _show(home.key_path(key), load_identity(key), as_json)


def _show(path: Path, who: Identity, as_json: bool) -> None:
    facts = {
        "file": str(path),
        "member": who.member_id,
        "suite": who.key.suite,
        "public": who.key.public,
    }
    if as_json:
        emit(facts)
        return
    say(f"Your key:        {path}", f"You are known as {who.member_id}")
    say(f"Signature suite: {who.key.suite}", f"Public key:      {who.key.public}")

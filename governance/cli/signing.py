"""A person's key on this machine, and statements signed with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from governance.cli import home
from governance.errors import MalformedKey
from governance.signing import keyfile, suites
from governance.signing.envelope import normalise, sign_envelope
from governance.statements.base import Key, Statement


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and the member it signs as: after a rotation that is not the id of the key itself."""

    key: keyfile.PrivateKey
    member_id: str

    def sign(self, message: bytes) -> bytes:
        """The suite's signature over message."""
        return self.key.sign(message)

    @property
    def enrolled(self) -> Key:
        """The public half as enrolments hold it."""
        return Key(suite=self.key.suite, public=self.key.public)

    @property
    def needs_key(self) -> bool:
        """Whether the member id alone does not tell the key."""
        return suites.get(self.key.suite).derive_key(self.member_id) != self.key.public


def member_file(path: Path) -> Path:
    """The file beside a rotated key that names its member."""
    return path.with_name(path.name + ".member")


def load_identity(name: Path | None) -> Identity:
    """The identity of a key file; asks for a passphrase where one is needed and somebody can answer.

    Raises:
        NotFound: no such file.
        MalformedKey: no key, or locked.
    """
    path = home.key_path(name)
    data = home.read_file(path, "key", "make one with `althing key new`")
    key = _unlocked(data, path)
    named = member_file(path)
    return Identity(key, named.read_text().strip() if named.exists() else key.member_id)


def _unlocked(data: bytes, path: Path) -> keyfile.PrivateKey:
    try:
        return keyfile.load(data, os.environ.get("ALTHING_PASSPHRASE"))
    except MalformedKey:
        if b"OPENSSH PRIVATE KEY" not in data or not sys.stdin.isatty():
            raise
    return keyfile.load(data, typer.prompt(f"Passphrase of {path}", hide_input=True))


def of(key: keyfile.PrivateKey) -> Identity:
    """The identity of a key that was never rotated."""
    return Identity(key, key.member_id)


def signed(statement: Statement, *identities: Identity) -> bytes:
    """The normalised envelope of a statement, signed by each identity under its member id."""
    signers: Sequence[Identity] = identities
    return normalise(sign_envelope(statement.payload_type(), statement.to_bytes(), signers))

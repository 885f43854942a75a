"""Forty members of Skerry, their keys, and what each of the three groups wants."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.cli import home
from governance.cli.key import Kind, generate
from governance.cli.signing import Identity, of
from governance.signing import keyfile
from governance.signing.keyfile import PrivateKey

GROUPS: Final = (("Buoys at sea", 18), ("Software", 13), ("Schools", 9))
"""The three groups, by the roadmap's own themes, and how many members each has."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member with the key file they keep."""

    name: str
    who: Identity
    file: Path
    group: str
    number: int


def _ssh(private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> PrivateKey:
    return keyfile.SshKey(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def _makers() -> Sequence[tuple[str, Callable[[], PrivateKey]]]:
    ed25519: tuple[str, Callable[[], PrivateKey]] = ("Ed25519", lambda: generate(Kind.ED25519))
    ssh = ("SSH", lambda: _ssh(Ed25519PrivateKey.generate()))
    ecdsa = ("SSH", lambda: _ssh(ec.generate_private_key(ec.SECP256R1())))
    hybrid = ("hybrid", lambda: keyfile.HybridKey(os.urandom(64)))
    return (ed25519, ssh, ed25519, ssh, ed25519, ecdsa, ed25519, ssh, ed25519, hybrid)


def recruit(folder: Path, advance: Callable[[], object]) -> list[Person]:
    """Forty people with keys of their own: half Ed25519, sixteen SSH, four hybrid."""
    makers = _makers()
    people: list[Person] = []
    for group, size in GROUPS:
        for number in range(size):
            place = len(people)
            key = makers[place % len(makers)][1]()
            file = folder / f"member-{place + 1:02d}"
            home.write_new(file, key.dump(), secret=True)
            people.append(Person(f"member {place + 1:02d}", of(key), file, group, number))
            advance()
    return people


def kinds(people: Sequence[Person]) -> str:
    """How many keys of which kind, in words."""
    names = {"ed25519": "Ed25519", "sshsig": "SSH", "hybrid": "hybrid post-quantum"}
    suites = [p.who.key.suite for p in people]
    return ", ".join(f"{suites.count(suite)} {name}" for suite, name in names.items())


def wishes(person: Person, themes: dict[str, list[str]]) -> list[str]:
    """What a person approves: their group's items, some but one of them, some one of a neighbour's.

    Args:
        person: who votes.
        themes: the options of each group, in the order of the ballot.
    """
    own = list(themes[person.group])
    if person.number % 4 == 3 and len(own) > 1:
        own.pop(person.number % len(own))
    if person.number % 3 == 1:
        others = [group for group, _ in GROUPS if group != person.group]
        other = themes[others[person.number % 2]]
        own.append(other[person.number % len(other)])
    return sorted(own)

"""Trust policies: which logs, which witnesses, and how many of them (C2SP tlog-policy).

Deliberately stricter than the specification in one place: bytes above 0x7E must be UTF-8, so that every
accepted name can be shown; names are still compared byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from governance import limits
from governance.errors import MalformedKey, MalformedPolicy, QuorumNotMet, TooLarge
from governance.log.cosignature import CosignedCheckpoint, open_cosigned, verifier_for
from governance.signing.lines import exact_decimal
from governance.signing.note import COSIGNATURE_V1, ED25519, ML_DSA_44, Verifier, VerifierKey, parse_vkey

LOG_KINDS: Final = frozenset({ED25519, ML_DSA_44})
WITNESS_KINDS: Final = frozenset({COSIGNATURE_V1, ML_DSA_44})
NONE: Final = "none"

_forbidden: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_space: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """An accepted log: its key is named like its origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A known witness; `name` means something within this policy only."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """Counts as having witnessed once `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Accepted logs, known witnesses, groups in the order of their definition, and the quorum's name."""

    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    quorum: str = NONE

    @cached_property
    def log_verifiers(self) -> tuple[Verifier, ...]:
        """One verifier for each log key."""
        return tuple(verifier_for(log.key) for log in self.logs)

    @cached_property
    def witness_verifiers(self) -> tuple[Verifier, ...]:
        """One verifier for each witness key."""
        return tuple(verifier_for(witness.key) for witness in self.witnesses)

    def satisfied_by(self, cosigners: Collection[VerifierKey]) -> bool:
        """Whether cosignatures by these keys make the quorum."""
        if self.quorum == NONE:
            return True
        have = {witness.name for witness in self.witnesses if witness.key in cosigners}
        # Groups only name what stands before them, so one pass settles them all.
        for group in self.groups:
            if sum(member in have for member in group.members) >= group.threshold:
                have.add(group.name)
        return self.quorum in have

    def open(self, data: bytes) -> CosignedCheckpoint:
        """The checkpoint, signed by an accepted log and cosigned by the quorum.

        Raises:
            MalformedNote, TooLarge: not a checkpoint note.
            BadSignature: no accepted log signed it, or a line of a known key fails.
            QuorumNotMet: too few cosignatures.
        """
        opened = open_cosigned(data, self.log_verifiers, self.witness_verifiers)
        present = [c.key for c in opened.cosignatures]
        if not self.satisfied_by(present):
            names = [key.name for key in present]
            raise QuorumNotMet(f"the quorum {self.quorum} is not met", quorum=self.quorum, cosigned_by=names)
        return opened

    def __str__(self) -> str:
        lines = [" ".join(filter(None, ("log", str(log.key), log.url))) for log in self.logs]
        lines += [" ".join(filter(None, ("witness", w.name, str(w.key), w.url))) for w in self.witnesses]
        lines += [" ".join(("group", g.name, str(g.threshold), *g.members)) for g in self.groups]
        return "".join(f"{line}\n" for line in [*lines, f"quorum {self.quorum}"])


def parse_policy(data: bytes) -> Policy:
    """The policy of a file.

    Raises:
        MalformedPolicy: names the line (`line`, from 1) and what is wrong with it.
        TooLarge: more than `limits.POLICY` bytes.
    """
    if len(data) > limits.POLICY:
        raise TooLarge(f"a trust policy may have {limits.POLICY} bytes")
    if _forbidden.search(data):
        raise MalformedPolicy("a policy holds no control characters other than tab and newline")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise MalformedPolicy(f"byte {e.start} is not UTF-8") from e
    if not text.endswith("\n"):
        raise MalformedPolicy("every line of a policy ends in a newline, the last one too")
    reader = _Reader()
    for number, line in enumerate(text[:-1].split("\n"), 1):
        words = _space.split(line.strip(" \t"))
        if not words[0] or words[0].startswith("#"):
            continue
        try:
            reader.read(words)
        except (MalformedPolicy, MalformedKey) as e:
            raise MalformedPolicy(f"line {number}: {e.detail}", line=number) from e
    return reader.policy()


class _Reader:
    """What the lines so far have defined."""

    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[PolicyWitness] = []
        self._groups: list[PolicyGroup] = []
        self._names: set[str] = set()
        self._used: set[str] = set()
        self._quorum: str | None = None
        self._keywords: dict[str, Callable[[Sequence[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._set_quorum,
        }

    def read(self, words: Sequence[str]) -> None:
        keyword = self._keywords.get(words[0])
        if keyword is None:
            raise MalformedPolicy(f"{words[0][:40]!r} is not log, witness, group or quorum")
        keyword(words[1:])

    def policy(self) -> Policy:
        if self._quorum is None:
            raise MalformedPolicy("the policy has no quorum line")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, words: Sequence[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise MalformedPolicy("a log is: log <vkey> [url]")
        key = _key(words[0], LOG_KINDS, {log.key.public for log in self._logs})
        self._logs.append(PolicyLog(key, *words[1:]))

    def _witness(self, words: Sequence[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise MalformedPolicy("a witness is: witness <name> <vkey> [url]")
        self._define(words[0])
        key = _key(words[1], WITNESS_KINDS, {witness.key.public for witness in self._witnesses})
        self._witnesses.append(PolicyWitness(words[0], key, *words[2:]))

    def _group(self, words: Sequence[str]) -> None:
        if len(words) < 3:
            raise MalformedPolicy("a group is: group <name> all|any|<k> <member>...")
        name, rule, *members = words
        for member in members:
            # Once over the whole policy: a witness counts towards the quorum in one way only.
            if member not in self._names or member in self._used:
                raise MalformedPolicy(f"{member[:40]!r} is not defined before, or is a member already")
            self._used.add(member)
        number = exact_decimal(rule, len(members))
        threshold = {"all": len(members), "any": 1}.get(rule, number)
        if not threshold:
            raise MalformedPolicy(f"the threshold is all, any or 1…{len(members)}")
        self._define(name)
        self._groups.append(PolicyGroup(name, threshold, tuple(members)))

    def _set_quorum(self, words: Sequence[str]) -> None:
        if len(words) != 1 or self._quorum is not None:
            raise MalformedPolicy("there is one quorum line: quorum <name>|none")
        if words[0] != NONE and words[0] not in self._names:
            raise MalformedPolicy(f"{words[0][:40]!r} is not defined before")
        self._quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise MalformedPolicy(f"the name {name[:40]!r} is taken")
        self._names.add(name)


def _key(text: str, kinds: frozenset[int], known: set[bytes]) -> VerifierKey:
    key = parse_vkey(text)
    if key.kind not in kinds:
        raise MalformedPolicy(f"a key of type {key.kind:#04x} cannot sign here")
    if key.public in known:
        raise MalformedPolicy(f"the key of {key.name} stands here twice")
    return key

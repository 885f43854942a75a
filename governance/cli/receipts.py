"""Receipts on a member's disk: proof, entry and log key side by side, checked without any network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from governance import limits
from governance.canonical import decode, digest, encode
from governance.cli import home
from governance.errors import BadProof, InvalidStatement, MalformedReceipt
from governance.log.lineage import name_of
from governance.log.policy import Policy, PolicyLog, parse_policy
from governance.log.receipt import Verified, parse_receipt, verify_receipt
from governance.signing import suites
from governance.signing.note import parse_vkey
from governance.statements.base import Key
from governance.statements.entry import Entry, read_entry, verify_signer
from governance.statements.vote import Vote

PROOF, ENTRY, VKEY, POLICY, SIGNER = ".tlog-proof", ".entry", ".vkey", ".policy", ".signer"
_key_decoder = msgspec.json.Decoder(Key)
_stem = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt with its entry and trust policy; `signer` is the voter's key where the id holds none."""

    path: Path
    proof: bytes
    entry: bytes
    policy: Policy
    signer: Key | None

    def verify(self) -> Verified:
        """That the entry is in the log of that key.

        Raises:
            MalformedReceipt, BadSignature, BadProof, QuorumNotMet: what is wrong with it.
        """
        return verify_receipt(parse_receipt(self.proof), self.entry, self.policy)

    def vote(self) -> tuple[Entry, Vote]:
        """The vote inside.

        Raises:
            InvalidStatement: the entry is something else.
        """
        entry = read_entry(self.entry)
        if not isinstance(entry.statement, Vote):
            raise InvalidStatement(f"the entry of this receipt is a {entry.statement.KIND}, not a vote")
        return entry, entry.statement

    def check_signature(self) -> str | None:
        """The suite under which the vote verifies; None when no key is known here.

        Raises:
            BadSignature: the signature is not that of the voter's key.
        """
        entry, vote = self.vote()
        key = self.signer or _key_in_id(vote.voter, entry.envelope.signatures[0].sig)
        if key is None:
            return None
        verify_signer(entry, vote.voter, key)
        return key.suite


def _key_in_id(voter: str, signature: bytes) -> Key | None:
    """The key that a did:key holds; an Ed25519 one may be enrolled plain or as an SSH key."""
    suite = "sshsig" if signature.startswith(b"SSHSIG") else "ed25519"
    public = suites.get(suite).derive_key(voter)
    return None if public is None else Key(suite=suite, public=public)


def policy_of(vkey: str) -> Policy:
    """The policy that trusts the log of this key and asks for no witness."""
    return Policy(logs=(PolicyLog(parse_vkey(vkey.strip())),))


def logs_only(policy: Policy) -> Policy:
    """The policy that accepts the same logs and asks for no witness."""
    return Policy(logs=policy.logs)


def save(
    directory: Path, name: str, proof: bytes, entry: bytes, vkey: str, signer: Key | None = None
) -> Path:
    """Write proof, entry and log key; an equal receipt that is already there is left as it is."""
    if _stem.fullmatch(name) is None:
        raise MalformedReceipt(f"{name[:80]!r} is not the name of a receipt")
    path = directory / f"{name}{PROOF}"
    kept = directory / f"{name}{ENTRY}"
    if kept.exists() and kept.read_bytes() != entry:
        return save(directory, f"{name}-{digest(entry)[7:15]}", proof, entry, vkey, signer)
    if kept.exists() and path.exists():
        return path
    home.write_new(kept, entry)
    home.write_new(directory / f"{name}{VKEY}", vkey.strip().encode() + b"\n")
    if signer is not None:
        home.write_new(directory / f"{name}{SIGNER}", encode(signer))
    home.write_new(path, proof)
    return path


def load(path: Path) -> Kept:
    """The receipt at a path (with or without its ending).

    Raises:
        NotFound: one of its files is missing.
        Malformed: the key or policy beside it cannot be read.
    """
    stem = path.with_name(path.name.removesuffix(PROOF).removesuffix(ENTRY))
    proof = _read(stem, PROOF, limits.RECEIPT)
    entry = _read(stem, ENTRY, limits.ENTRY_FORMAT)
    signer = None
    if stem.with_name(stem.name + SIGNER).exists():
        signer = decode(_read(stem, SIGNER, 16_000), _key_decoder)
    if stem.with_name(stem.name + POLICY).exists():
        policy = parse_policy(_read(stem, POLICY, limits.POLICY))
    else:
        policy = policy_of(_read(stem, VKEY, 16_000).decode("utf-8", "replace"))
    return Kept(stem, proof, entry, policy, signer)


def _read(stem: Path, ending: str, limit: int) -> bytes:
    path = stem.with_name(stem.name + ending)
    advice = "a receipt is three files of one name: .tlog-proof .entry .vkey"
    data = home.read_file(path, "receipt file", advice)
    if len(data) > limit:
        raise MalformedReceipt(f"{path} has more than {limit} bytes")
    return data


def listed(directory: Path) -> list[Path]:
    """Every receipt of a directory, by name."""
    return sorted(directory.glob(f"*{PROOF}")) if directory.is_dir() else []


def expect_origin(verified: Verified, origin: str) -> None:
    """That the proof is of this ballot's log.

    Raises:
        BadProof: it is of another log.
    """
    if name_of(verified.cosigned.checkpoint.origin) != origin:
        raise BadProof(
            f"this proof is of the log {verified.cosigned.checkpoint.origin}, the vote is for {origin}"
        )

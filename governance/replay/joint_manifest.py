"""A joint ballot's manifest: reading and checking it, and what follows from it for each community's part.

Everything here is a function of the manifest, the communities' acceptances and their frozen rolls, so every
participant and every auditor comes to the same parts (protocol 7.1, 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from governance import limits
from governance.canonical import decode, digest, encode
from governance.counting.threshold import Threshold
from governance.errors import InvalidDefinition, MalformedKey, MalformedStatement, TooLarge
from governance.replay.definition import check_definition
from governance.signing.note import parse_vkey
from governance.statements.ballot import Ballot, JointRef
from governance.statements.base import BlobRef
from governance.statements.electorate import Voter
from governance.statements.joint import DoubleMajority, Manifest, Shard, VetoShare

FEATURE: Final = "joint-ballot/v1"
COMBINED: Final = {DoubleMajority: ("yes-no", "approval"), VetoShare: ("yes-no",)}
"""The rules under which something can be told to be wanted, or not wanted, in one community by itself."""

_decoder: Final = msgspec.json.Decoder(Manifest)
_rows: Final = msgspec.json.Encoder(order="sorted")
_no_digest: Final = "sha256:" + "0" * 64


def parse_manifest(data: bytes) -> Manifest:
    """The manifest of canonical bytes.

    Raises:
        TooLarge: more than `limits.MANIFEST`.
        MalformedJson, MalformedStatement: no manifest, or not in canonical form.
    """
    if len(data) > limits.MANIFEST:
        raise TooLarge(f"a manifest has at most {limits.MANIFEST} bytes, not {len(data)}")
    manifest = decode(data, _decoder)
    if encode(manifest) != data:
        raise MalformedStatement("a manifest is written in canonical form (RFC 8785)", pointer="")
    return manifest


def manifest_digest(manifest: Manifest) -> str:
    """What a manifest is called: the SHA-256 of its canonical bytes."""
    return digest(encode(manifest))


def part_origin(manifest: Manifest, position: int) -> str:
    """The origin of the log of a community's part."""
    return f"{manifest.shards[position].origin}/ballots/{manifest.ballot}"


def check_manifest(manifest: Manifest) -> None:
    """That the manifest's parts fit together and this version can verify all of it.

    Raises:
        InvalidDefinition: with the JSON pointer.
        Unsupported: a rule or required feature this version does not know.
    """
    data = len(encode(manifest))
    if data > limits.MANIFEST:
        raise InvalidDefinition(f"a manifest has at most {limits.MANIFEST} bytes, not {data}", pointer="")
    count = len(manifest.shards)
    if manifest.minimum > count:
        raise InvalidDefinition(
            f"{manifest.minimum} parts cannot come from {count} communities", pointer="/minimum"
        )
    if manifest.partial == "refuse" and manifest.minimum != count:
        raise InvalidDefinition(
            "where fewer than all give no result, the minimum is all of them", pointer="/minimum"
        )
    if manifest.quorum is not None and not manifest.quorum.participation.met(1, 1):
        raise InvalidDefinition("this quorum could never be met", pointer="/quorum/participation")
    _check_shards(manifest)
    _check_combine(manifest)
    check_definition(shard_ballot(manifest, 0, [_no_digest] * count, [], "", 0), _no_digest)


def _check_shards(manifest: Manifest) -> None:
    seen: set[str] = set()
    for position, shard in enumerate(manifest.shards):
        pointer = f"/shards/{position}"
        if shard.origin in seen:
            raise InvalidDefinition(f"{shard.origin} takes part twice", pointer=f"{pointer}/origin")
        seen.add(shard.origin)
        _check_shard(shard, pointer)


def _check_shard(shard: Shard, pointer: str) -> None:
    if shard.origin != f"{shard.base_url.partition('://')[2]}/spaces/{shard.space}":
        raise InvalidDefinition("the log of this space has another origin", pointer=f"{pointer}/origin")
    try:
        name = parse_vkey(shard.vkey).name
    except MalformedKey as e:
        raise InvalidDefinition(f"the log key cannot be read: {e.detail}", pointer=f"{pointer}/vkey") from e
    if name != shard.origin:
        raise InvalidDefinition("this is the key of another log", pointer=f"{pointer}/vkey")
    holders = [holder.id for holder in shard.nonce_holders]
    if len(set(holders)) != len(holders):
        raise InvalidDefinition("a nonce holder stands twice", pointer=f"{pointer}/nonce_holders")


def _check_combine(manifest: Manifest) -> None:
    combine = manifest.combine
    shares: dict[str, Threshold] = {}
    if isinstance(combine, DoubleMajority):
        shares = {"members": combine.members, "communities": combine.communities}
    elif isinstance(combine, VetoShare):
        shares = {"share": combine.share}
        if combine.share.numerator == 0 and not combine.share.strict:
            raise InvalidDefinition("every community would veto everything", pointer="/combine/share")
    for name, share in shares.items():
        if not share.met(1, 1):
            raise InvalidDefinition(f"{share} can never be reached", pointer=f"/combine/{name}")
    allowed = COMBINED.get(type(combine))
    for position, question in enumerate(manifest.questions):
        if allowed is not None and question.rule.id not in allowed:
            raise InvalidDefinition(
                f"under {question.rule.id} no community says by itself what it wants and what not; "
                f"this way of combining takes {' or '.join(allowed)}",
                pointer=f"/questions/{position}/rule",
            )


def shard_ballot(
    manifest: Manifest,
    position: int,
    acceptances: Sequence[str],
    excluded: Sequence[int],
    signer: str,
    now: int,
) -> Ballot:
    """The definition of a community's part, of which only signer and time are free.

    Args:
        manifest: the joint ballot's.
        position: of the community among the manifest's.
        acceptances: identities of all acceptances, in the manifest's order.
        excluded: rows of the community's frozen roll, ascending (`overlaps`).
        signer: the steward.
        now: Unix seconds.
    """
    shard = manifest.shards[position]
    return Ballot(
        protocol=1,
        space=shard.space,
        ballot=manifest.ballot,
        origin=part_origin(manifest, position),
        title=manifest.title,
        text=manifest.text,
        quarter=manifest.quarter,
        privacy="open",
        questions=manifest.questions,
        eligibility=manifest.eligibility,
        quorum=None,
        opens_at=manifest.opens_at,
        closes_at=manifest.closes_at,
        early_close="never",
        extension=0,
        revote="last-counts",
        delegation="none",
        nonce_holders=shard.nonce_holders,
        witness_policy=manifest.witness_policy,
        requires=sorted({*manifest.requires, FEATURE, "open-ballot/v1"}),
        signer=signer,
        defined_at=now,
        joint=JointRef(manifest_digest(manifest), list(acceptances), list(excluded)),
    )


def check_shard_ballot(manifest: Manifest, position: int, ballot: Ballot) -> JointRef:
    """That a definition is exactly the one that the manifest gives for this community.

    Raises:
        InvalidDefinition: with the first field that is another.
    """
    joint = ballot.joint
    if joint is None:
        raise InvalidDefinition("this is no part of a joint ballot", pointer="/joint")
    if len(joint.acceptances) != len(manifest.shards):
        raise InvalidDefinition("every community of the manifest accepts it", pointer="/joint/acceptances")
    expected = shard_ballot(
        manifest, position, joint.acceptances, joint.excluded, ballot.signer, ballot.defined_at
    )
    if ballot != expected:
        names = (f.name for f in msgspec.structs.fields(Ballot))
        name = next(n for n in names if getattr(ballot, n) != getattr(expected, n))
        raise InvalidDefinition("the manifest says something else", pointer=f"/{name}")
    if any(a >= b for a, b in zip(joint.excluded, joint.excluded[1:], strict=False)):
        raise InvalidDefinition("the rows left out are not ascending", pointer="/joint/excluded")
    return joint


def overlaps(rolls: Sequence[Sequence[Voter]]) -> list[list[int]]:
    """The rows of each community's frozen roll whose members are on the roll of an earlier community.

    Args:
        rolls: all frozen rolls, in the manifest's order.

    Raises:
        InvalidDefinition: more than `limits.JOINT_EXCLUDED` in one community.
    """
    seen: set[str] = set()
    found: list[list[int]] = []
    for position, roll in enumerate(rolls):
        rows = [row for row, voter in enumerate(roll) if voter.id in seen]
        if len(rows) > limits.JOINT_EXCLUDED:
            raise InvalidDefinition(
                f"{len(rows)} members of this community vote in an earlier one; a definition names at most "
                f"{limits.JOINT_EXCLUDED}. Put the communities in another order, or make them one",
                pointer=f"/shards/{position}",
            )
        seen.update(voter.id for voter in roll)
        found.append(rows)
    return found


def roll_bytes(rows: Sequence[Voter]) -> bytes:
    """A frozen roll as the canonical JSON list that its blob holds."""
    return _rows.encode(list(rows))


def roll_ref(rows: Sequence[Voter]) -> BlobRef:
    """The name of a frozen roll's blob.

    Raises:
        TooLarge: more than `limits.BLOB`.
    """
    data = roll_bytes(rows)
    if len(data) > limits.BLOB:
        raise TooLarge(
            f"the roll of a part has at most {limits.BLOB} bytes; "
            f"this one of {len(rows)} members has {len(data)}"
        )
    return BlobRef(digest(data), len(data))

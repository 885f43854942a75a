"""What can be judged about entries without the ones before them, and running it in parallel.

A shard is a few entry bundles. Judging one is a pure function of its bytes, so it runs inline, in local
processes or on a Dask cluster: anything with the `submit` of `concurrent.futures.Executor`. Votes are
verified under the key that the voter's id holds; the fold refuses when the roll names another one. What a
worker cannot settle it hands back as bytes, and the fold judges it with all it knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache

from governance.errors import GovernanceError, MalformedTile
from governance.log.merkle import leaf_hashes, tile_root
from governance.log.tiles import FULL, parse_bundle
from governance.replay.definition import Definition, check_definition
from governance.replay.vote import CheckedVote, check_vote
from governance.signing import did_key, ed25519, suites
from governance.signing.envelope import pae, parse_normal
from governance.statements.ballot import Ballot
from governance.statements.base import Key
from governance.statements.entry import Entry, assumed_key, read_entry
from governance.statements.vote import Vote

SHARD_BUNDLES = 4
SHARD_BYTES = 1 << 20
AHEAD_BYTES = 24 << 20
"""Bytes of bundles waiting at any time; with `ahead` shards it bounds the memory of an audit."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive bundles from entry `first` on, and how to judge them.

    Votes are judged from entry `votes_from` on under `definition`, the bytes of the ballot's entry 0. Without
    a definition the signatures of all entries are tried.
    """

    first: int
    widths: tuple[int, ...]
    bundles: tuple[bytes, ...]
    definition: bytes | None
    votes_from: int

    @property
    def size(self) -> int:
        """Bytes of its bundles."""
        return sum(map(len, self.bundles))

    @property
    def cheap(self) -> bool:
        """Nothing to verify here, only to hash: not worth sending away."""
        return self.definition is not None and self.first + sum(self.widths) <= self.votes_from


@dataclass(frozen=True, slots=True)
class Rest:
    """An entry for the fold to judge; `proved` are the signatures that need no second look (`Entry`)."""

    index: int
    data: bytes
    proved: int


@dataclass(frozen=True, slots=True)
class Votes:
    """Checked votes in columns, which cross process borders faster than objects."""

    voters: list[str]
    cast_at: list[int]
    answers: list[bytes]
    identities: list[bytes]
    suites: list[str]
    publics: list[str]

    def rows(self) -> Iterator[CheckedVote]:
        """The votes in their order."""
        keys = map(Key, self.suites, self.publics)
        return map(CheckedVote, self.voters, self.cast_at, self.answers, self.identities, keys)


@dataclass(frozen=True, slots=True)
class Judged:
    """A shard's leaf hashes and tile roots by bundle, its votes, and what is left to the fold.

    `rest` is (index, proved) of each entry that is no checked vote; `left` gives them. `broken` is (bundle,
    entry within it, why) when a bundle could not be cut into entries; then those from there on are missing.
    """

    leaves: list[bytes]
    roots: list[bytes | None]
    votes: Votes
    rest: list[tuple[int, int]]
    broken: tuple[int, int, str] | None


def judge(shard: Shard) -> Judged:
    """Hash and judge a shard; a function of its bytes alone."""
    judged = Judged([], [], Votes([], [], [], [], [], []), [], None)
    first = shard.first
    broken = None
    for at, (data, width) in enumerate(zip(shard.bundles, shard.widths, strict=True)):
        try:
            entries = parse_bundle(data, width)
        except MalformedTile as e:
            place = e.facts.get("entry")
            broken = (at, place if isinstance(place, int) else 0, e.detail)
            break
        leaves = leaf_hashes(entries)
        judged.leaves.append(leaves)
        judged.roots.append(tile_root(leaves) if width == FULL else None)
        _judge_entries(shard, first, entries, judged)
        first += width
    return Judged(judged.leaves, judged.roots, judged.votes, judged.rest, broken)


def _judge_entries(shard: Shard, first: int, entries: list[bytes], judged: Judged) -> None:
    if shard.definition is None:
        judged.rest.extend(enumerate(_proved(entries), first))
        return
    definition = None if first + len(entries) <= shard.votes_from else _definition(shard.definition)
    skipped = len(entries) if definition is None else max(0, shard.votes_from - first)
    judged.rest.extend((first + i, 0) for i in range(skipped))
    if definition is None:
        return
    votes = judged.votes
    shared: dict[bytes, bytes] = {}
    checked = _votes(entries[skipped:], definition)
    for index, vote in enumerate(checked, first + skipped):
        if vote is None:
            judged.rest.append((index, 0))
            continue
        votes.voters.append(vote.voter)
        votes.cast_at.append(vote.cast_at)
        votes.answers.append(shared.setdefault(vote.answers, vote.answers))
        votes.identities.append(vote.identity)
        votes.suites.append(vote.key.suite)
        votes.publics.append(vote.key.public)


@lru_cache(maxsize=2)
def _definition(data: bytes) -> Definition | None:
    """The definition in its entry; None when the fold will refuse it."""
    try:
        entry = read_entry(data)
        return (
            check_definition(entry.statement, entry.identity) if isinstance(entry.statement, Ballot) else None
        )
    except GovernanceError:
        return None


def _votes(entries: list[bytes], definition: Definition) -> list[CheckedVote | None]:
    """The entries as checked votes; None for each that the fold is to judge itself."""
    read = [_read_vote(data) for data in entries]
    publics = [voter.removeprefix(did_key.PREFIX) if entry is not None else "" for entry, voter in read]
    keys = did_key.ed25519_keys(publics)
    return [
        None if entry is None else _check(entry, voter, public, raw, definition)
        for (entry, voter), public, raw in zip(read, publics, keys, strict=True)
    ]


def _read_vote(data: bytes) -> tuple[Entry | None, str]:
    try:
        entry = read_entry(data)
    except GovernanceError:
        return None, ""
    vote = entry.statement
    return (entry, vote.voter) if isinstance(vote, Vote) else (None, "")


def _check(
    entry: Entry, voter: str, public: str, raw: bytes | None, definition: Definition
) -> CheckedVote | None:
    """The vote under the key inside the voter's id; Ed25519, the common case, with the key decoded above."""
    signature = entry.envelope.signatures[0].sig
    try:
        if raw is not None and len(signature) == ed25519.SIGNATURE_BYTES:
            if not ed25519.verify(raw, entry.message, signature):
                return None
            return check_vote(entry, definition, Key("ed25519", public), proved=True)
        key = assumed_key(voter, signature)
        return None if key is None else check_vote(entry, definition, key)
    except GovernanceError:
        return None


def _proved(entries: list[bytes]) -> list[int]:
    """For each entry, which of its signatures verify under the keys inside their key ids."""
    tried = [(i, *item) for i, data in enumerate(entries) for item in _signatures(data)]
    keys = did_key.ed25519_keys([signer.removeprefix(did_key.PREFIX) for _, _, signer, _, _ in tried])
    masks = [0] * len(entries)
    for (entry, position, signer, signature, message), raw in zip(tried, keys, strict=True):
        if _verifies(signer, raw, signature, message):
            masks[entry] |= 1 << position
    return masks


def _signatures(data: bytes) -> list[tuple[int, str, bytes, bytes]]:
    try:
        envelope = parse_normal(data)
    except GovernanceError:
        return []
    message = pae(envelope.payload_type, envelope.payload)
    return [(i, s.keyid, s.sig, message) for i, s in enumerate(envelope.signatures)]


def _verifies(signer: str, raw: bytes | None, signature: bytes, message: bytes) -> bool:
    if raw is not None and len(signature) == ed25519.SIGNATURE_BYTES:
        return ed25519.verify(raw, message, signature)
    try:
        key = assumed_key(signer, signature)
        return key is not None and suites.verify_text(key.suite, key.public, message, signature)
    except GovernanceError:
        return False


def left(shard: Shard, judged: Judged) -> Iterator[Rest]:
    """The entries of a shard for the fold to judge; their bytes need not come back from a worker."""
    first, bundle = shard.first, -1
    entries: list[bytes] = []
    for index, proved in judged.rest:
        while index >= first + len(entries):
            first += len(entries)
            bundle += 1
            entries = parse_bundle(shard.bundles[bundle], shard.widths[bundle])
        yield Rest(index, entries[index - first], proved)


def in_order(
    shards: Iterable[Shard], executor: Executor | None, ahead: int
) -> Iterator[tuple[Shard, Judged]]:
    """Every shard with its judgement, in their order; at most `ahead` shards and `AHEAD_BYTES` wait."""
    waiting: deque[tuple[Shard, Callable[[], Judged]]] = deque()
    held = 0
    try:
        for shard in shards:
            waiting.append((shard, _begin(shard, executor)))
            held += shard.size
            while waiting and (len(waiting) > ahead or held > AHEAD_BYTES or executor is None):
                done, result = waiting.popleft()
                held -= done.size
                yield done, result()
        while waiting:
            done, result = waiting.popleft()
            yield done, result()
    finally:
        for _, result in waiting:
            if isinstance(bound := getattr(result, "__self__", None), Future):
                bound.cancel()


def _begin(shard: Shard, executor: Executor | None) -> Callable[[], Judged]:
    if executor is None or shard.cheap:
        return lambda: judge(shard)
    return executor.submit(judge, shard).result

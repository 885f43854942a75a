"""Many voters quickly: keys, enrolments, roll rows and signed votes, made in forked processes."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from governance.signing import did_key
from governance.signing.envelope import Envelope, Signature, normalise, pae
from governance.statements.ballot import Question
from governance.statements.base import Key, Statement
from governance.statements.electorate import Voter
from governance.statements.member import Member
from governance.statements.vote import Vote

CHUNK = 2_000


class FastKey:
    """An Ed25519 private key that keeps its expanded form; otherwise like `keyfile.Ed25519Key`."""

    suite = "ed25519"

    def __init__(self, seed: bytes) -> None:
        self.raw_public, self._secret = crypto_sign_seed_keypair(seed)
        self.public = did_key.multikey_encode(did_key.ED25519_PUB, self.raw_public)
        self.member_id = did_key.PREFIX + self.public

    @property
    def key(self) -> Key:
        return Key(suite=self.suite, public=self.public)

    def sign(self, message: bytes) -> bytes:
        return crypto_sign(message, self._secret)[:64]


def key_of(seed: str, name: str | int) -> FastKey:
    """The key of that name in a world made from that seed."""
    return FastKey(hashlib.sha256(f"{seed}/{name}".encode()).digest())


def entry_bytes(statement: Statement, *keys: Any) -> bytes:
    """The statement as a log entry, signed by the keys in turn."""
    payload_type, payload = statement.payload_type(), statement.to_bytes()
    message = pae(payload_type, payload)
    signatures = tuple(Signature(keyid=k.member_id, sig=k.sign(message)) for k in keys)
    return normalise(Envelope(payload=payload, payload_type=payload_type, signatures=signatures))


@dataclass(frozen=True)
class Order:
    """What the processes need to know to make a range of voters."""

    seed: str
    space: str
    ballot: str
    definition: str
    question: Question
    form: str
    enrolled_at: int
    cast_at: int


@dataclass(frozen=True)
class Made:
    """A range of voters: their enrolments, roll rows and votes as log entries."""

    members: list[bytes]
    rows: list[Voter]
    votes: list[bytes]


def answer_of(question: Question, form: str, chance: random.Random) -> Any:
    """Some valid answer, a blank one now and then; few enough distinct ones."""
    ids = [option.id for option in question.options]
    if chance.random() < 0.02:
        return None
    if form == "score":
        return {option: chance.randint(0, 3) for option in ids}
    if form == "choice":
        return chance.choice(["yes", "no"])
    return sorted(chance.sample(ids, chance.randint(1, min(3, len(ids)))))


def vote_by(key: FastKey, order: Order, answer: Any, cast_at: int | None = None) -> bytes:
    """A signed vote as a log entry."""
    vote = Vote(
        ballot=order.ballot,
        definition=order.definition,
        voter=key.member_id,
        answers={order.question.id: answer},
        cast_at=order.cast_at if cast_at is None else cast_at,
    )
    return entry_bytes(vote, key)


def make_range(order: Order, start: int, stop: int, rounds: int) -> Made:
    """Voters start…stop-1; each votes `rounds` times, a second later each time."""
    registrar = key_of(order.seed, "steward")
    members, rows, votes = [], [], []
    for i in range(start, stop):
        key = key_of(order.seed, i)
        chance = random.Random(f"{order.seed}/{i}")
        member = Member(
            space=order.space,
            member=key.member_id,
            key=key.key,
            roles=["member"],
            weight="1",
            status="active",
            previous=None,
            enrolled_at=order.enrolled_at,
        )
        members.append(entry_bytes(member, key, registrar))
        rows.append(Voter(id=key.member_id, suite="ed25519", weight="1"))
        for turn in range(rounds):
            answer = answer_of(order.question, order.form, chance)
            votes.append(vote_by(key, order, answer, order.cast_at + turn))
    return Made(members, rows, votes)


def make_voters(order: Order, count: int, rounds: int = 1, processes: int = 2) -> Made:
    """All voters; in processes where it pays. Votes are in rounds, so replacements lie far apart."""
    spans = [(at, min(at + CHUNK, count)) for at in range(0, count, CHUNK)]
    if len(spans) < 2 or processes < 2:
        parts = [make_range(order, *span, rounds) for span in spans]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            parts = list(pool.map(make_range, *zip(*((order, a, b, rounds) for a, b in spans), strict=True)))
    votes = [vote for part in parts for turn in range(rounds) for vote in part.votes[turn::rounds]]
    return Made([m for p in parts for m in p.members], [r for p in parts for r in p.rows], votes)

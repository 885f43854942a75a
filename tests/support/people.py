"""People and communities for tests of a running service: keys, signed bodies, and the usual first steps.

`Client` needs only `get(path)` and `post(path, content=bytes)`, so it works with litestar's TestClient and
with httpx against a live server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from governance.counting.registry import get_rule
from governance.signing import keyfile
from governance.signing.envelope import normalise, sign_envelope
from governance.signing.keyfile import Ed25519Key, PrivateKey, SshKey
from governance.statements.ballot import Ballot, Eligibility, OptionLine, Question, RuleChoice
from governance.statements.base import Key, Statement
from governance.statements.entry import Entry, read_entry
from governance.statements.member import Member
from governance.statements.roadmap import RoadmapItem
from governance.statements.space import BallotDefaults, BallotOrder, Constitution, Space
from governance.statements.vote import Vote
from tests.support.keys import openssh, ssh_private

API = "/api/v1"
PERMISSIONS = {
    "constitution": ["steward"],
    "member": ["registrar"],
    "roadmap-item": ["steward"],
    "roadmap-edition": ["steward"],
    "ballot": ["steward"],
    "ballot-order": ["steward"],
    "commitment": ["steward"],
    "commitment-update": ["steward"],
    "dispute": ["auditor", "member"],
    "ruling": ["steward"],
}


def key(number: int) -> Ed25519Key:
    """The nth test key. The seeds are counters: never use one for anything real."""
    return Ed25519Key(number.to_bytes(32, "big"))


def ssh_key(kind: str = "ed25519") -> SshKey:
    """An OpenSSH test key: ed25519, ecdsa256, ecdsa384, ecdsa521 or rsa."""
    return SshKey(openssh(ssh_private(kind)))


def public(private: PrivateKey) -> Key:
    """The enrolled form of a key."""
    return Key(suite=private.suite, public=private.public)


def body(statement: Statement, *keys: PrivateKey) -> bytes:
    """What to POST: the statement in an envelope signed by keys in turn."""
    return normalise(sign_envelope(statement.payload_type(), statement.to_bytes(), keys))


def entry(statement: Statement, *keys: PrivateKey) -> Entry:
    """The same, read: for its identity."""
    return read_entry(body(statement, *keys))


def full_params(rule: str, **given: Any) -> dict[str, Any]:
    """All parameters of a rule, defaults written down as a definition needs them."""
    return dict(msgspec.to_builtins(get_rule(rule).parse_params(given)))


def question(rule: str = "approval", options: str = "abc", name: str = "q", **params: Any) -> Question:
    """A question on one-letter options of cost 5."""
    if rule in {"equal-shares", "greedy"}:
        params = {"budget": "10"} | params
    lines = [OptionLine(o, o.upper(), "5", None) for o in options]
    choice = RuleChoice(rule, 1, full_params(rule, **params))
    return Question(name, "What first?", "", lines, choice, "rule-then-lot")


@dataclass
class Community:
    """A space on a service, its steward (who is also registrar), and its members, as a client sees them."""

    client: Any
    operator: PrivateKey
    now: int
    base: str = "127.0.0.1:8000"
    space: str = "nix"
    instance: str = ""
    steward: PrivateKey = field(default_factory=lambda: key(4))
    members: list[PrivateKey] = field(default_factory=list)
    ballots: dict[str, Entry] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The origin of the space's log."""
        return f"{self.base}/spaces/{self.space}"

    @property
    def url(self) -> str:
        """The path of the space's resources."""
        return f"{API}/spaces/{self.space}"

    def post(self, path: str, statement: Statement, *keys: PrivateKey) -> Any:
        """POST a signed statement to a path below the space."""
        return self.client.post(self.url + path, content=body(statement, *keys))

    def found(self) -> Any:
        """Found the space and give it its constitution."""
        self.instance = self.client.get(f"{API}/instance").json()["id"]
        answer = self.client.post(f"{API}/spaces", content=body(self.founding(), self.operator, self.steward))
        assert answer.status_code == 201, answer.text
        recorded(self.post("/constitution", self.constitution(), self.steward))
        return answer

    def founding(self, **changes: Any) -> Space:
        """The founding with the steward as only founder."""
        founder = self.enrolment(self.steward, ["steward", "registrar"])
        first = Space(self.space, "Nix", self.instance, self.origin, [founder], self.now)
        return msgspec.structs.replace(first, **changes)

    def constitution(self, **changes: Any) -> Constitution:
        """The usual permissions."""
        defaults = BallotDefaults("approval", None, 0, "equal")
        first = Constitution(self.space, 1, None, "project", "", PERMISSIONS, None, defaults, self.now)
        return msgspec.structs.replace(first, **changes)

    def enrolment(self, who: PrivateKey, roles: list[str] | None = None, **changes: Any) -> Member:
        """A first enrolment, as a member."""
        first = Member(
            self.space, who.member_id, public(who), roles or ["member"], "1", "active", None, self.now
        )
        return msgspec.structs.replace(first, **changes)

    def enrol(self, *who: PrivateKey) -> None:
        """Enrol members; each signs, and the steward as registrar."""
        for person in who:
            recorded(self.post("/members", self.enrolment(person), person, self.steward))
            self.members.append(person)

    def item(self, name: str = "search", **changes: Any) -> RoadmapItem:
        """A first revision of a roadmap item."""
        first = RoadmapItem(
            space=self.space, item=name, revision=1, previous=None, title=name.title(), product=None,
            quarter="2027-Q1", phase=None, theme=None, status="proposed", effort="5d", effort_days=5,
            details="", source=None, revised_at=self.now,
        )  # fmt: skip
        return msgspec.structs.replace(first, **changes)

    def definition(self, ballot: str = "q1", *questions: Question, **changes: Any) -> Ballot:
        """A ballot of a day that begins now; closable by a steward."""
        first = Ballot(
            protocol=1, space=self.space, ballot=ballot, origin=f"{self.origin}/ballots/{ballot}",
            title="First quarter", text="", quarter="2027-Q1", privacy="open",
            questions=list(questions) or [question()], eligibility=Eligibility(["member"], "equal"),
            quorum=None, opens_at=self.now, closes_at=self.now + 86_400, early_close="steward", extension=0,
            revote="last-counts", delegation="none", nonce_holders=[], witness_policy="", requires=[],
            signer=self.steward.member_id, defined_at=self.now,
        )  # fmt: skip
        return msgspec.structs.replace(first, **changes)

    def define(self, definition: Ballot | None = None) -> Any:
        """Post a draft."""
        ballot = definition or self.definition()
        self.ballots[ballot.ballot] = entry(ballot, self.steward)
        return self.post("/ballots", ballot, self.steward)

    def order(self, action: str, ballot: str = "q1", **changes: Any) -> Any:
        """Post a steward's order about a ballot."""
        first = BallotOrder(
            self.space, ballot, self.ballots[ballot].identity, action, "because", self.steward.member_id,
            self.now,
        )  # fmt: skip
        return self.post("/orders", msgspec.structs.replace(first, **changes), self.steward)

    def open(self, definition: Ballot | None = None) -> Any:
        """Post a draft and open it by order."""
        ballot = definition or self.definition()
        recorded(self.define(ballot))
        return recorded(self.order("open", ballot.ballot))

    def vote(self, who: PrivateKey, answer: Any, ballot: str = "q1", **changes: Any) -> Vote:
        """A vote on question q."""
        definition = self.ballots[ballot]
        origin = f"{self.origin}/ballots/{ballot}"
        first = Vote(origin, definition.identity, who.member_id, {"q": answer}, self.now)
        return msgspec.structs.replace(first, **changes)

    def cast(self, who: PrivateKey, answer: Any, ballot: str = "q1", **changes: Any) -> Any:
        """Sign and POST a vote."""
        return self.post(f"/ballots/{ballot}/votes", self.vote(who, answer, ballot, **changes), who)


def recorded(answer: Any) -> Any:
    """The answer, which must be 201."""
    assert answer.status_code == 201, answer.text
    return answer


def operator_of(data: Path) -> PrivateKey:
    """The operator's key of a data directory."""
    return keyfile.load((data / "keys" / "operator").read_bytes())

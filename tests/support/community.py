"""A community that lives through a running service: founded, enrolled and voting by signed statements."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from federation import MIGRATIONS
from governance.counting.registry import get_rule
from governance.hooks import HookCaller
from governance.plugins import load_plugins
from governance.service import ballots, casting, orders, submit
from governance.service.core import Options, Service
from governance.service.instance import Wanted, key_of
from governance.signing.keyfile import PrivateKey
from governance.statements.ballot import Ballot, Eligibility, OptionLine, Question, RuleChoice
from governance.statements.entry import read_entry
from governance.statements.member import Member
from governance.statements.space import BallotDefaults, BallotOrder, Calendar, Constitution, Space
from governance.statements.vote import Vote
from governance.store.engine import open_store
from tests.support.voters import FastKey, entry_bytes
from tests.support.voters import key_of as fast_key

BASE = "faults.example"
URL = f"http://{BASE}"
SPACE = "nix"
KINDS = (
    "constitution", "member", "roadmap-item", "roadmap-edition", "ballot", "ballot-order", "commitment",
    "commitment-update", "dispute", "ruling",
)  # fmt: skip

Post = Callable[[str, bytes], Any]
"""(path below /api/v1, envelope) -> the answer; raises when it is not a success."""


@dataclass
class Community:
    """A space `nix` with a steward and voters, on an instance reached by `post`."""

    post: Post
    operator: PrivateKey
    instance: str
    voters: int = 8
    now: int = field(default_factory=lambda: int(time.time()))
    seed: str = "faults"

    def __post_init__(self) -> None:
        self.steward = fast_key(self.seed, "steward")
        self.keys: list[FastKey] = [fast_key(self.seed, n) for n in range(self.voters)]
        self.definitions: dict[str, str] = {}
        self._turn = 0

    def found(self, calendar: Calendar | None = None) -> Community:
        """Space, constitution and members."""
        founder = self._member(self.steward, ["steward", "registrar"])
        origin = f"{BASE}/spaces/{SPACE}"
        space = Space(SPACE, "Nix", self.instance, origin, [founder], self.now)
        self.post("/spaces", entry_bytes(space, self.operator, self.steward))
        defaults = BallotDefaults("approval", None, 0, "equal")
        permissions = {kind: ["steward", "registrar"] for kind in KINDS}
        rules = Constitution(SPACE, 1, None, "plain", "", permissions, calendar, defaults, self.now)
        self.post(f"/spaces/{SPACE}/constitution", entry_bytes(rules, self.steward))
        for key in self.keys:
            self.post(
                f"/spaces/{SPACE}/members", entry_bytes(self._member(key, ["member"]), key, self.steward)
            )
        return self

    def draft(self, ballot: str, **changes: Any) -> Ballot:
        """Post a definition that opens by a steward's order; `changes` replace its fields."""
        definition = msgspec.structs.replace(self._definition(ballot), **changes)
        data = entry_bytes(definition, self.steward)
        self.post(f"/spaces/{SPACE}/ballots", data)
        self.definitions[ballot] = read_entry(data).identity
        return definition

    def order(self, ballot: str, action: str) -> Any:
        """A steward's order: open, close or cancel."""
        order = BallotOrder(
            SPACE, ballot, self.definitions[ballot], action, "", self.steward.member_id, self.now
        )
        return self.post(f"/spaces/{SPACE}/orders", entry_bytes(order, self.steward))

    def open(self, ballot: str) -> None:
        """A new ballot, open."""
        self.draft(ballot)
        self.order(ballot, "open")

    def votes(self, ballot: str, voter: int) -> Iterator[bytes]:
        """Votes of one voter without end, each replacing the one before."""
        key, turn = self.keys[voter], self.now - 1_000_000
        while True:
            turn += 1
            yield self.vote(ballot, voter, turn, key)

    def vote(self, ballot: str, voter: int, cast_at: int, key: FastKey | None = None) -> bytes:
        """One signed vote."""
        answers: dict[str, Any] = {"q": ["a", "b", "c"][: cast_at % 4]}
        who = self.keys[voter].member_id
        vote = Vote(origin_of(ballot), self.definitions[ballot], who, answers, cast_at)
        return entry_bytes(vote, key or self.keys[voter])

    def _member(self, key: FastKey, roles: list[str]) -> Member:
        return Member(SPACE, key.member_id, key.key, roles, "1", "active", None, self.now)

    def _definition(self, ballot: str) -> Ballot:
        options = [OptionLine(o, o.upper(), None, None) for o in "abc"]
        params = msgspec.to_builtins(get_rule("approval").parse_params({}))
        return Ballot(
            protocol=1,
            space=SPACE,
            ballot=ballot,
            origin=origin_of(ballot),
            title="What first?",
            text="",
            quarter=None,
            privacy="open",
            questions=[
                Question("q", "What first?", "", options, RuleChoice("approval", 1, params), "rule-then-lot")
            ],
            eligibility=Eligibility(["member"], "equal"),
            quorum=None,
            opens_at=self.now + 80_000,
            closes_at=self.now + 90_000,
            early_close="steward",
            extension=0,
            revote="last-counts",
            delegation="none",
            nonce_holders=[],
            witness_policy="",
            requires=[],
            signer=self.steward.member_id,
            defined_at=self.now,
        )


def origin_of(ballot: str) -> str:
    """The origin of a ballot's log."""
    return f"{BASE}/spaces/{SPACE}/ballots/{ballot}"


@contextmanager
def serving(database: str | None, data_dir: Path, **options: Any) -> Iterator[Service]:
    """The service on a store, without HTTP; stopped at the end."""
    store = open_store(database, data_dir, migrations=[MIGRATIONS])
    try:
        wanted = Wanted(URL, fixed=True, name="Faults")
        settings = Options(wanted, queue=options.pop("queue", 4096))
        service = Service(store, HookCaller(load_plugins()), settings, **options)
        try:
            service.start()
            yield service
        finally:
            service.close()
    finally:
        store.close()


def direct(service: Service) -> Post:
    """Posts to the service's own functions."""

    def post(path: str, body: bytes) -> Any:
        parts = path.strip("/").split("/")
        if parts == ["spaces"]:
            return submit.found_space(service, body)
        _, space, resource, *rest = parts
        if resource == "orders":
            return orders.carry_out(service, space, body)
        if resource == "ballots" and not rest:
            return ballots.post(service, space, body)
        if resource == "ballots":
            return casting.cast(service, space, rest[0], body).result(30)
        return submit.to_space(service, space, resource, body)

    return post


def community(service: Service, **options: Any) -> Community:
    """A community (not yet founded) on a service in this process."""
    operator = key_of(service.data_dir, "operator", create=False)
    document = service.instance.document
    assert document is not None
    return Community(direct(service), operator, document.id, **options)

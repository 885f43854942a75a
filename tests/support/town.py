"""A community on a running instance, over HTTP alone: founded, enrolled, voting. All keys are test keys."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from governance.cli import casting, drafting, drafts, founding, orders, spaces, templates
from governance.cli.casting import Cast
from governance.cli.client import Client
from governance.cli.drafting import Wish
from governance.cli.signing import Identity, load_identity, of, signed
from governance.cli.space import operator_key
from governance.replay.definition import Definition
from governance.service.answers import BallotView, DraftRecorded
from governance.signing.keyfile import Ed25519Key
from tests.support.netns import Host

SPACE = "town"
QUESTION = "what"
OPTIONS = ("bridge", "school", "well")


@dataclass
class Town:
    """A space with members; `definition` is the open ballot's."""

    url: str
    data: Path
    space: str = SPACE
    seed: int = 0
    members: list[Identity] = field(default_factory=list)
    definition: Definition | None = None

    @classmethod
    def at(cls, host: Host, seed: int = 0) -> Town:
        return cls(host.url, host.data, seed=seed)

    @property
    def steward(self) -> Identity:
        return of(Ed25519Key(self._seed(255)))

    def _seed(self, number: int) -> bytes:
        return bytes([self.seed]) + number.to_bytes(31, "big")

    def client(self) -> Client:
        return Client(self.url, timeout=20)

    def found(self, members: int) -> None:
        """The space, its constitution, and that many members."""
        now = int(time.time())
        constitution = templates.template("project").adopt(self.space, now)
        with self.client() as client:
            founding.found(
                client, self.space, "Town", load_identity(operator_key(self.data)), self.steward, constitution
            )
            for number in range(members):
                who = of(Ed25519Key(self._seed(number)))
                asked = founding.enrolment(self.space, who, now, instance=client.instance)
                request = signed(asked, who)
                spaces.record(client, self.space, "members", founding.approve(request, self.steward))
                self.members.append(who)

    def open(self, ballot: str = "works", policy: str = "", rule: str = "approval", hours: int = 24) -> None:
        """A ballot of one question, open at once."""
        now = int(time.time())
        with self.client() as client:
            adopted = spaces.adopted(client, self.space)
            wish = Wish(
                ballot=ballot,
                title="What shall be built?",
                options=[drafts.option_line(f"{o}={o.title()}") for o in OPTIONS],
                rule=rule,
                question=QUESTION,
                closes_at=now + hours * 3600,
                quorum=False,
                witness_policy=policy,
            )
            draft = drafting.define(adopted, wish, self.steward.member_id, now)
            client.post(spaces.path(self.space, "ballots"), signed(draft, self.steward), DraftRecorded)
            orders.order(client, self.space, ballot, "open", self.steward, "now")
            self.definition = casting.fetch_definition(client, self.space, ballot)[1]

    @property
    def ballot(self) -> str:
        assert self.definition is not None
        return self.definition.ballot.ballot

    def vote(self, member: int, *marks: str) -> Cast:
        """A member approves of some options."""
        assert self.definition is not None
        envelope = casting.sign_vote(
            self.definition, self.members[member], {QUESTION: sorted(marks)}, int(time.time())
        )
        with self.client() as client:
            return casting.send(client, self.space, self.ballot, envelope)

    def close(self) -> None:
        """A steward ends the ballot; it is counted as soon as it may be."""
        with self.client() as client:
            orders.order(client, self.space, self.ballot, "close", self.steward, "enough")

    def view(self) -> BallotView:
        with self.client() as client:
            return client.get(casting.ballot_path(self.space, self.ballot), BallotView)


def wait_until(what: object, true: object, seconds: float = 60) -> None:
    """Until a condition holds; fails with its name when it does not in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if true():  # type: ignore[operator]
            return
        time.sleep(0.25)
    raise AssertionError(f"after {seconds} s still not: {what}")

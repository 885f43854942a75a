"""The service decides as the replay does, for random sequences of valid and invalid statements.

A second set of states, fed only with entries as they stand in the store, is asked about each statement before
the service is; both must say the same, with the same reason. In the end all logs are folded anew from their
bytes, and the projections are built anew, and nothing differs.
"""

import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from governance.app import close_service, create_service
from governance.errors import AlreadyExists, BallotClosed, GovernanceError, NotFound, Refused, WrongBallot
from governance.plugins import load_plugins
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.space import SpaceState
from governance.service import ballots, casting, lifecycle, orders, submit
from governance.service.casting import Duplicate
from governance.service.states import LiveBallot
from governance.settings import Settings
from governance.statements.entry import read_entry, read_envelope
from governance.statements.space import BallotOrder
from governance.store import entries, rebuild
from tests.support.people import Community, body, key, operator_of, public
from tests.support.service import NOW, TestClock

people = st.integers(0, 3)
"""0 to 2 get enrolled, 3 hardly ever; -1 is the steward."""
signers = st.one_of(people, st.just(-1))
answers = st.sampled_from([["a"], ["b", "c"], [], None, ["a", "a"], ["z"], {"a": 1}, "a"])
ACTIONS = st.one_of(
    st.tuples(st.just("enrol"), people, signers, st.sampled_from(["active", "suspended", "left"])),
    st.tuples(st.just("rotate"), people, signers, st.booleans()),
    st.tuples(st.just("item"), st.sampled_from("xy"), st.integers(0, 1), signers),
    st.tuples(st.just("draft"), signers, st.booleans()),
    st.tuples(st.just("order"), st.sampled_from(["open", "open", "close", "cancel"]), signers),
    st.tuples(st.just("vote"), people, answers, st.integers(-2, 2), st.booleans(), st.booleans()),
    st.tuples(st.just("vote"), people, answers, st.integers(-2, 2), st.just(True), st.just(True)),
    st.tuples(st.just("wait"), st.sampled_from([1, 50_000])),
)
STORY = [
    ("enrol", 0, -1, "active"),
    ("enrol", 1, -1, "active"),
    ("draft", -1, True),
    ("order", "open", -1),
    ("vote", 0, ["a"], 0, True, True),
    ("vote", 0, ["a"], 0, True, True),
    ("vote", 0, ["b"], -1, True, True),
    ("vote", 1, ["b"], 0, False, True),
    ("vote", 1, ["b"], 0, True, False),
    ("rotate", 0, 0, True),
    ("enrol", 1, -1, "suspended"),
    ("vote", 1, ["b"], 0, True, True),
    ("order", "close", -1),
    ("vote", 0, ["c"], 1, True, True),
]


@dataclass
class Shadow:
    """States that know nothing but the stored entries."""

    service: object
    states: dict = field(default_factory=dict)

    def catch_up(self):
        """Fold what has been stored since; the instance's log first, then spaces, then ballots."""
        with self.service.store.read() as conn:
            heads = entries.heads(conn)
        for kind in ("instance", "space", "ballot"):
            for head in (h for h in heads if h.kind == kind):
                state = self.states.setdefault(head.origin, None) or self._state(head)
                for data in entries.stream_entries(self.service.store, head.id, state.size, head.size):
                    state.admit(state.size, read_entry(data))

    def _state(self, head):
        base = self.service.states.base
        if head.kind == "instance":
            state = InstanceState(head.origin)
        elif head.kind == "space":
            state = SpaceState(head.origin, self.states[f"{base}/instance"].keys)
        else:
            space = self.states[f"{base}/spaces/{head.space}"]
            state = BallotState(head.origin, space.instance, space)
        self.states[head.origin] = state
        return state

    def says(self, origin, content):
        """What the replay answers to this statement at the end of that log: None or the kind of refusal."""
        state = self.states.get(origin)
        if state is None:
            return NotFound
        try:
            state.admit(state.size, read_envelope(content))
        except GovernanceError as e:
            return type(e)
        return None


def decision(ask):
    """What the service gives, and the kind of its refusal."""
    try:
        return ask(), None
    except GovernanceError as e:
        return None, type(e)


class Play:
    """A service, its shadow, and a community that does as it is told."""

    def __init__(self, service, clock):
        self.service, self.clock = service, clock
        self.town = Community(None, operator_of(service.data_dir), NOW)
        self.town.instance = service.instance.keys.instance
        self.shadow = Shadow(service)
        self.counter = itertools.count(1)
        self.keys = {n: key(100 + n) for n in range(4)} | {-1: self.town.steward}
        self.ids = {n: k.member_id for n, k in self.keys.items()}
        submit.found_space(service, body(self.town.founding(), self.town.operator, self.town.steward))
        submit.to_space(service, "nix", "constitution", body(self.town.constitution(), self.town.steward))
        self.shadow.catch_up()

    def both(self, origin, content, ask):
        """Ask the replay, then the service: one answer."""
        expected = self.shadow.says(origin, content)
        assert decision(ask)[1] is expected
        self.shadow.catch_up()

    def record(self, resource, statement, *keys):
        content = body(statement, *keys)
        self.both(self.town.origin, content, lambda: submit.to_space(self.service, "nix", resource, content))

    def enrol(self, who, signer, status):
        old = self.space.members.get(self.ids[who])
        statement = self.town.enrolment(
            key(100 + who),
            key=old.key if old else public(self.keys[who]),
            status=status,
            previous=old.digest if old else None,
            enrolled_at=NOW + next(self.counter),
        )
        self.record("members", statement, *dict.fromkeys((self.keys[who], self.keys[signer])))

    def rotate(self, who, signer, with_new):
        fresh = key(1_000 + next(self.counter))
        old = self.space.members.get(self.ids[who])
        statement = self.town.enrolment(
            key(100 + who), key=public(fresh), previous=old.digest if old else None, enrolled_at=NOW
        )
        self.record("members", statement, self.keys[signer], *([fresh] if with_new else []))

    def item(self, name, offset, signer):
        old = self.space.items.get(name)
        revision = (old.statement.revision if old else 0) + 1 + offset
        statement = self.town.item(
            name, revision=revision, previous=old.digest if old else None, revised_at=NOW + next(self.counter)
        )
        self.record("roadmap", statement, self.keys[signer])

    def draft(self, signer, early):
        definition = self.town.definition(
            opens_at=self.clock.now + 10_000,
            closes_at=self.clock.now + 90_000,
            early_close="steward" if early else "never",
            signer=self.ids[signer],
            title=f"Number {next(self.counter)}",
        )
        content = body(definition, self.keys[signer])
        allowed = self.space.roles_of(self.ids[signer]) & {"steward"} and "q1" not in self.space.ballots
        try:
            ballots.post(self.service, "nix", content)
        except Refused:
            assert not allowed
        else:
            assert allowed
            self.town.ballots["q1"] = read_entry(content)

    def order(self, action, signer):
        if "q1" not in self.town.ballots:
            return
        statement = BallotOrder(
            "nix", "q1", self.town.ballots["q1"].identity, action, str(next(self.counter)), self.ids[signer],
            self.clock.now,
        )  # fmt: skip
        before = self.space.size
        try:
            orders.carry_out(self.service, "nix", body(statement, self.keys[signer]))
        except Refused:
            self.shadow.catch_up()
            assert self.space.size == before
        else:
            self.shadow.catch_up()
            assert "steward" in self.space.roles_of(self.ids[signer])

    def vote(self, who, answer, shift, own_key, right_digest):
        if "q1" not in self.town.ballots:
            return
        statement = self.town.vote(key(100 + who), answer, cast_at=self.clock.now + shift)
        if not right_digest:
            statement = msgspec.structs.replace(statement, definition="sha256:" + "0" * 64)
        content = body(statement, self.keys[who] if own_key else key(77))
        if not own_key:
            content = content.replace(key(77).member_id.encode(), self.ids[who].encode())
        origin = f"{self.town.origin}/ballots/q1"
        if origin not in self.shadow.states:
            return
        known = self.shadow.says(origin, content)
        found, refusal = decision(lambda: casting.cast(self.service, "nix", "q1", content).result())
        if not right_digest and known is not None:
            known = WrongBallot  # of two reasons the service names this one first
        if isinstance(found, Duplicate) and known is BallotClosed:
            known = AlreadyExists  # what is recorded is acknowledged after the close as well
        assert (AlreadyExists if isinstance(found, Duplicate) else refusal) is known
        self.shadow.catch_up()

    def wait(self, seconds):
        self.clock.now += seconds
        lifecycle.tick(self.service, self.clock.now)
        self.shadow.catch_up()

    @property
    def space(self):
        return self.shadow.states[self.town.origin]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(actions=STORY)
@given(
    actions=st.lists(ACTIONS, max_size=14).map(lambda more: [*STORY[:4], *more])
    | st.lists(ACTIONS, max_size=12)
)
def test_service_and_replay_decide_alike(actions):
    with tempfile.TemporaryDirectory() as folder:
        clock = TestClock(NOW)
        service = create_service(Settings(data=Path(folder), rate=0), load_plugins(), clock=clock)
        try:
            play = Play(service, clock)
            for name, *arguments in actions:
                getattr(play, name)(*arguments)
            compare_live_and_folded(play)
            assert rebuild.check(service.store) == []
        finally:
            close_service(service)


def compare_live_and_folded(play):
    """What the service has in memory is what the logs say."""
    live = play.service.states.get(play.town.origin, SpaceState)
    for name in ("size", "members", "items", "orders", "outcomes", "ballots", "identities"):
        assert getattr(live, name) == getattr(play.space, name), name
    for origin, folded in play.shadow.states.items():
        if isinstance(folded, BallotState) and folded.outcome is None:
            state = play.service.states.get(origin, LiveBallot)
            assert list(state.casts.counted()) == list(folded.casts.counted())
            assert (state.casts.accepted, state.closes_at, state.size) == (
                folded.casts.accepted,
                folded.closes_at,
                folded.size,
            )

"""Playing a ballot file as a real ballot: a key for every voter, every receipt checked."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from governance.cli import casting, drafting, founding, publiclog, receipts, spaces, templates
from governance.cli.client import Client
from governance.cli.console import Watch
from governance.cli.drafting import Wish
from governance.cli.orders import order
from governance.cli.signing import Identity, of, signed
from governance.counting.files.ballot_file import BallotFile, Ballots, format_ballot_file
from governance.counting.files.count import count_file
from governance.counting.files.forms import in_form
from governance.counting.profile import Answer
from governance.counting.registry import get_rule
from governance.errors import InvalidAnswer, InvalidDefinition, MalformedBallotFile, NoAnswer
from governance.log.receipt import parse_receipt, verify_receipt
from governance.replay.definition import Definition
from governance.replay.result import Result
from governance.service.answers import BallotView, DraftRecorded, Recorded, VoteRecorded
from governance.signing.keyfile import Ed25519Key
from governance.statements.ballot import OptionLine
from governance.statements.base import Role
from governance.statements.space import BallotDefaults

T = TypeVar("T")
R = TypeVar("R")

QUESTION: Final = "question"
WINDOW: Final = 6 * 3_600
OFFICES: Final[list[Role]] = ["steward", "registrar"]


@dataclass(frozen=True, slots=True)
class Script:
    """What will be played: rule with all parameters, options, one answer and weight for every voter."""

    name: str
    title: str
    rule: str
    params: dict[str, Any]
    options: tuple[OptionLine, ...]
    voters: tuple[tuple[Answer | None, int], ...]
    left_out: int
    file: BallotFile


@dataclass(slots=True)
class Figures:
    """What a rehearsal measured, times in seconds."""

    voters: int
    enrolled_per_second: float = 0
    votes_per_second: float = 0
    p50: float = 0
    p99: float = 0
    receipts: int = 0
    failed_receipts: int = 0
    same_outcome: bool = False
    winners: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0

    @property
    def passed(self) -> bool:
        """Whether every receipt holds and the outcome is the one counted without a server."""
        return self.failed_receipts == 0 and self.receipts == self.voters and self.same_outcome


def script(file: BallotFile, name: str, title: str, rule_id: str | None, limit: int | None) -> Script:
    """The script of a ballot file, of its first `limit` voters.

    Ballots that break the file's own rules would be refused; they are left out and counted.

    Raises:
        InvalidDefinition, Unsupported: what this version cannot play.
    """
    rule = get_rule(rule_id or file.rule)
    params = _params(file, rule.id)
    typed = rule.parse_params(params)
    form = rule.form(typed)
    voters: list[tuple[Answer | None, int]] = []
    left_out = 0
    for line in file.ballots:
        answer = line.answer if line.answer is None else in_form(line.answer, form)
        try:
            if answer is not None:
                rule.check_answer(file.options, typed, answer, "")
        except InvalidAnswer:
            left_out += line.count
            continue
        voters += [(answer, line.weight)] * line.count
    if not voters:
        raise MalformedBallotFile("this file has no valid ballot to play")
    return Script(name, title, rule.id, params, _options(file), tuple(islice(voters, limit)), left_out, file)


def _params(file: BallotFile, rule: str) -> dict[str, Any]:
    """All parameters: the file's own where the rule knows them, its defaults otherwise."""
    known = {f.name for f in msgspec.structs.fields(get_rule(rule).Params)}
    return drafting.full_params(rule, {k: v for k, v in file.params.items() if k in known})


def _options(file: BallotFile) -> tuple[OptionLine, ...]:
    lines = [
        {
            "id": o.id,
            "title": (o.title or o.id)[:300],
            "cost": None if o.cost is None else str(o.cost),
            "item": None,
        }
        for o in file.options
    ]
    try:
        return tuple(msgspec.convert(lines, list[OptionLine]))
    except msgspec.ValidationError as e:
        raise InvalidDefinition(f"an option of this file cannot be put into a ballot: {e}") from e


class Rehearsal:
    """One rehearsal against a running instance."""

    def __init__(
        self, client: Client, operator: Identity, play: Script, concurrency: int, watch: Watch
    ) -> None:
        self.client, self.operator, self.play = client, operator, play
        self.concurrency, self.watch = concurrency, watch
        self.space = ""
        self.keys = [of(Ed25519Key(os.urandom(32))) for _ in play.voters]
        self.figures = Figures(len(play.voters))
        self._latencies: list[float] = []

    def found(self, space: str) -> None:
        """Found the space for the rehearsal; its founder cannot vote in it."""
        self.space = space
        now = int(time.time())
        constitution = templates.template("project").adopt(space, now, calendar=False)
        ballots = BallotDefaults(self.play.rule, None, 0, "enrolled")
        constitution = msgspec.structs.replace(constitution, ballots=ballots)
        founding.found(
            self.client, space, self.play.title, self.operator, self.operator, constitution, roles=OFFICES
        )

    def enrol(self) -> None:
        """Enrol every voter; each signs with their own key, the operator as registrar."""
        now, instance = int(time.time()), self.client.instance

        def one(voter: tuple[Identity, tuple[Answer | None, int]]) -> Recorded:
            who, (_, weight) = voter
            member = founding.enrolment(self.space, who, now, instance=instance, weight=str(weight))
            return spaces.record(self.client, self.space, "members", signed(member, who, self.operator))

        started = time.perf_counter()
        self._all("enrolling", one, list(zip(self.keys, self.play.voters, strict=True)))
        self.figures.enrolled_per_second = len(self.keys) / (time.perf_counter() - started)

    def open(self) -> Definition:
        """Define and open the ballot."""
        adopted = spaces.adopted(self.client, self.space)
        now = int(time.time())
        wish = Wish(
            ballot=self.play.name,
            title=self.play.title,
            options=self.play.options,
            rule=self.play.rule,
            params=self.play.params,
            question=QUESTION,
            closes_at=now + WINDOW,
            quorum=False,
            weights="enrolled",
        )
        ballot = drafting.define(adopted, wish, self.operator.member_id, now)
        path = spaces.path(self.space, "ballots")
        self.client.post(path, signed(ballot, self.operator), DraftRecorded)
        order(self.client, self.space, self.play.name, "open", self.operator, "rehearsal")
        return casting.fetch_definition(self.client, self.space, self.play.name)[1]

    def cast(self, definition: Definition) -> list[VoteRecorded]:
        """Cast every vote over HTTP."""
        path = f"{casting.ballot_path(self.space, self.play.name)}/votes"

        def one(voter: tuple[Identity, tuple[Answer | None, int]]) -> VoteRecorded:
            who, (answer, _) = voter
            envelope = casting.sign_vote(definition, who, {QUESTION: answer}, int(time.time()))
            started = time.perf_counter()
            recorded = self.client.post(path, envelope, VoteRecorded)[1]
            self._latencies.append(time.perf_counter() - started)
            return recorded

        started = time.perf_counter()
        votes = self._all("voting", one, list(zip(self.keys, self.play.voters, strict=True)))
        self.figures.votes_per_second = len(votes) / (time.perf_counter() - started)
        ordered = sorted(self._latencies)
        self.figures.p50 = ordered[len(ordered) // 2]
        self.figures.p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        return votes

    def close(self) -> Result:
        """Close the ballot and wait for its outcome.

        Raises:
            NoAnswer: there is none after a minute.
        """
        order(self.client, self.space, self.play.name, "close", self.operator, "rehearsal")
        base = casting.ballot_path(self.space, self.play.name)
        for _ in range(240):
            if self.client.get(base, BallotView).state == "decided":
                return self.client.get(f"{base}/outcome", Result)
            time.sleep(0.25)
        raise NoAnswer(f"the ballot {self.play.name} is closed, but there is no outcome after a minute")

    def check(self, votes: Sequence[VoteRecorded], result: Result) -> Figures:
        """Check every receipt against the final log, and the outcome against the count of the file."""
        view = self.client.get(casting.ballot_path(self.space, self.play.name), BallotView)
        log = publiclog.read_log(self.client, view.origin, str(view.vkey))
        proofs = []
        advance = self.watch("checking receipts", len(votes))
        policy = receipts.policy_of(str(view.vkey))
        for vote in votes:
            entry = casting.entry_bytes(vote.entry)
            verified = verify_receipt(parse_receipt(vote.receipt.encode()), entry, policy)
            proofs.append((verified.index, entry, verified.cosigned.checkpoint))
            advance()
        self.figures.failed_receipts = len(publiclog.unproven(log, proofs))
        self.figures.receipts = len({index for index, _, _ in proofs})
        outcome = result.questions[0].outcome
        self.figures.winners = list(outcome.winners)
        offline = count_file(self._replayed(outcome.lot, int(result.weight_on_roll)))
        live = msgspec.to_builtins(outcome)
        self.figures.same_outcome = {name: offline[name] for name in live} == live
        return self.figures

    def _replayed(self, lot: Sequence[str], electorate: int) -> bytes:
        """The file as it was played, with the lot that fell."""
        return format_ballot_file(
            BallotFile(
                rule=self.play.rule,
                params=self.play.params,
                options=self.play.file.options,
                ballots=tuple(Ballots(answer, weight) for answer, weight in self.play.voters),
                electorate=electorate,
                lot=tuple(lot),
            )
        )

    def _all(self, name: str, work: Callable[[T], R], parts: Sequence[T]) -> list[R]:
        advance = self.watch(name, len(parts))

        def one(part: T) -> R:
            done = work(part)
            advance()
            return done

        with ThreadPoolExecutor(self.concurrency) as pool:
            try:
                return list(pool.map(one, parts))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

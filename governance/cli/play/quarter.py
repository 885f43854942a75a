"""A whole quarter of Skerry: from the founding to the audit, everything over HTTP."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Final

import msgspec

from governance.cli import (
    casting,
    drafting,
    drafts,
    founding,
    home,
    importing,
    orders,
    outcomes,
    publiclog,
    spaces,
    templates,
)
from governance.cli import commitment as commitments
from governance.cli import receipts as receipt_files
from governance.cli import roadmap as roadmaps
from governance.cli.casting import Cast
from governance.cli.client import Client
from governance.cli.console import say, short, watching
from governance.cli.drafting import Wish
from governance.cli.export import fetch_all
from governance.cli.key import Kind, generate
from governance.cli.play.people import GROUPS, Person, kinds, recruit, wishes
from governance.cli.play.stage import command, environment
from governance.cli.signing import Identity, load_identity, of, signed
from governance.cli.space import operator_key
from governance.errors import BadProof, GovernanceError, InvalidStatement
from governance.log.receipt import parse_receipt, verify_receipt
from governance.replay.definition import Definition
from governance.replay.result import Result
from governance.replay.schedule import next_quarter
from governance.service.answers import BallotView, DraftRecorded
from governance.statements.base import Role
from governance.statements.entry import read_envelope
from governance.statements.vote import Answer, Vote

SPACE: Final = "skerry"
CAPACITY: Final = 60
QUESTION: Final = "priorities"
STEWARD: Final[list[Role]] = ["steward", "registrar"]
_quarter: Final = re.compile(r"\bQ([1-4]) (\d{4})\b")


def dated(roadmap: str, first: str) -> str:
    """The sample roadmap with its quarters moved so that the earliest is `first`."""
    counts = sorted(4 * int(year) + int(number) - 1 for number, year in _quarter.findall(roadmap))
    shift = 4 * int(first[:4]) + int(first[-1]) - 1 - counts[0]

    def moved(found: re.Match[str]) -> str:
        year, number = divmod(4 * int(found[2]) + int(found[1]) - 1 + shift, 4)
        return f"Q{number + 1} {year}"

    return _quarter.sub(moved, roadmap)


def coming_quarter(now: int) -> str:
    """The quarter after the present one."""
    moment = time.gmtime(now)
    return next_quarter(f"{moment.tm_year}-Q{(moment.tm_mon + 2) // 3}")


class Quarter:
    """The play; each method is a step that says in a line what it did."""

    def __init__(self, client: Client, data: Path, instance: Path, policy: str = "") -> None:
        self.client, self.data, self.instance, self.policy = client, data, instance, policy
        self.quarter = coming_quarter(int(time.time()))
        self.ballot = f"{self.quarter.lower()}-priorities"
        self.steward = Identity(generate(Kind.ED25519), "")
        self.people: list[Person] = []
        self.kept: list[Path] = []

    def found(self) -> None:
        """A space from a template, founded with the operator's key."""
        path = self.data / "keys" / "steward"
        home.write_new(path, generate(Kind.ED25519).dump(), secret=True)
        self.steward = load_identity(path)
        operator = load_identity(operator_key(self.instance))
        constitution = templates.template("project").adopt(SPACE, int(time.time()))
        founding.found(self.client, SPACE, "Skerry", operator, self.steward, constitution, roles=STEWARD)
        say(
            f"✓ The community Skerry is founded from the template 'project'; steward {self._id(self.steward)}"
        )

    def import_roadmap(self) -> None:
        """The sample roadmap, from Markdown to signed items."""
        from governance.roadmap import import_roadmap

        text = dated(templates.sample_roadmap().decode(), self.quarter)
        file = self.data / "roadmap.md"
        file.write_text(text, encoding="utf-8")
        found = import_roadmap(file.read_bytes(), name=file.name)
        plan = importing.compare(SPACE, found.items, [], file.name, int(time.time()))
        roadmaps.record_all(self.client, SPACE, plan, self.steward)
        refused = sum(change.item.status == "not-planned" for change in plan.changes)
        say(
            f"✓ {len(plan.changes)} roadmap items imported from {file.name}, "
            f"{refused} of them 'not planned' with the reason; {len(found.unplaced)} note was not an item"
        )

    def enrol(self) -> None:
        """Forty members: each asks with their own key, the registrar approves."""
        with watching() as watch:
            self.people = recruit(self.data / "keys", watch("making keys", sum(n for _, n in GROUPS)))
            advance = watch("enrolling", len(self.people))
            for person in self.people:
                member = founding.enrolment(
                    SPACE, person.who, int(time.time()), instance=self.client.instance
                )
                request = signed(member, person.who)
                spaces.record(self.client, SPACE, "members", founding.approve(request, self.steward))
                advance()
        say(f"✓ {len(self.people)} members are enrolled with keys of their own: {kinds(self.people)}")

    def open(self) -> Definition:
        """The quarter's ballot: costs are efforts, the capacity is the budget."""
        now = int(time.time())
        adopted = spaces.adopted(self.client, SPACE)
        options = drafts.from_recorded(self.client, SPACE, "equal-shares", self.quarter, None)
        wish = Wish(
            ballot=self.ballot,
            title=f"What Skerry builds in {self.quarter}",
            options=options,
            rule="equal-shares",
            params={"budget": str(CAPACITY), "step": "fine"},
            question=QUESTION,
            question_title=f"Which of these should volunteers build in {self.quarter}?",
            quarter=self.quarter,
            closes_at=now + 7 * 86_400,
            witness_policy=self.policy,
        )
        ballot = drafting.define(adopted, wish, self.steward.member_id, now)
        self.client.post(spaces.path(SPACE, "ballots"), signed(ballot, self.steward), DraftRecorded)
        orders.order(self.client, SPACE, self.ballot, "open", self.steward, "The quarter begins.")
        wanted = sum(int(line.cost or 0) for line in options)
        say(
            f"✓ The ballot {self.ballot} is open: {len(options)} items of {wanted} days for a capacity of "
            f"{CAPACITY}; its rules and voters are fixed"
        )
        return casting.fetch_definition(self.client, SPACE, self.ballot)[1]

    def vote(self, definition: Definition) -> None:
        """Everybody votes over HTTP; then the four things that must go as they should."""
        themes = self._themes(definition)
        offline = self.people[-1]
        file = self.data / "offline-vote.json"
        home.write_new(file, self._vote(definition, offline, wishes(offline, themes)) + b"\n")
        voters = self.people[:-1]
        with watching() as watch:
            advance = watch("voting", len(voters))
            for person in voters:
                self._send(self._vote(definition, person, wishes(person, themes)), person)
                advance()
        say(f"✓ {len(voters)} members voted over HTTP; each has a receipt, to be checked without network")
        self._change_of_mind(definition, themes)
        self._outsider(definition, themes)
        self._tampered(definition, themes)
        cast = self._send(file.read_bytes().strip(), offline)
        say(f"✓ A vote signed offline ({file.name}) was submitted later: entry {cast.answer.index}")

    def _change_of_mind(self, definition: Definition, themes: dict[str, list[str]]) -> None:
        person = self.people[0]
        new = [*wishes(person, themes), themes[GROUPS[2][0]][0]]
        cast = self._send(self._vote(definition, person, sorted(new)), person)
        before, now = cast.answer.replaces, cast.answer.index
        say(f"✓ {person.name} changed their mind: entry {now} counts, and {before} no longer")

    def _outsider(self, definition: Definition, themes: dict[str, list[str]]) -> None:
        stranger = of(generate(Kind.ED25519))
        marks: Answer = list(themes[GROUPS[0][0]])
        envelope = casting.sign_vote(definition, stranger, {QUESTION: marks}, int(time.time()))
        self._refused("Somebody who is not on the roll", envelope)

    def _tampered(self, definition: Definition, themes: dict[str, list[str]]) -> None:
        person = self.people[1]
        good = read_envelope(self._vote(definition, person, wishes(person, themes)))
        vote = good.statement
        if not isinstance(vote, Vote):
            raise InvalidStatement("a vote was expected")
        bent = msgspec.structs.replace(vote, answers={QUESTION: list(themes[GROUPS[2][0]])})
        forged = msgspec.structs.replace(good.envelope, payload=bent.to_bytes())
        self._refused(f"A vote of {person.name}, changed on its way,", msgspec.json.encode(forged))

    def _refused(self, who: str, envelope: bytes) -> None:
        try:
            casting.send(self.client, SPACE, self.ballot, envelope)
        except GovernanceError as e:
            say(f"✓ {who} is refused: {e.title.lower()}")
        else:
            raise BadProof(f"{who} was accepted, which must not happen")

    def _vote(self, definition: Definition, person: Person, marks: list[str]) -> bytes:
        return casting.sign_vote(definition, person.who, {QUESTION: list(marks)}, int(time.time()))

    def _send(self, envelope: bytes, person: Person) -> Cast:
        cast = casting.send(self.client, SPACE, self.ballot, envelope)
        self.kept.append(casting.keep(self.data / "receipts", self.ballot, cast, person.who))
        return cast

    def _themes(self, definition: Definition) -> dict[str, list[str]]:
        """The options by the roadmap's themes."""
        theme = {i.item: i.theme for i in spaces.items(self.client, SPACE, quarter=self.quarter)}
        lines = definition.ballot.questions[0].options
        return {group: [o.id for o in lines if theme[str(o.item)] == group] for group, _ in GROUPS}

    def close(self, definition: Definition) -> Result:
        """Close, count, and show both outcomes side by side."""
        orders.order(self.client, SPACE, self.ballot, "close", self.steward, "Everybody has voted.")
        base = casting.ballot_path(SPACE, self.ballot)
        while self.client.get(base, BallotView).state != "decided":
            time.sleep(0.1)
        result = self.client.get(f"{base}/outcome", Result)
        say("✓ The ballot is closed and counted with the Method of Equal Shares:", "")
        outcomes.show(definition, result)
        self._by_group(definition, result)
        return result

    def _by_group(self, definition: Definition, result: Result) -> None:
        """What each group gets under either rule."""
        outcome = result.questions[0].outcome
        greedy = outcomes.greedy_of(outcome) or []
        costs = {o.id: int(o.cost or 0) for o in definition.ballot.questions[0].options}
        for (group, size), members in zip(GROUPS, self._themes(definition).values(), strict=True):
            shares = sum(costs[o] for o in outcome.winners if o in members)
            most = sum(costs[o] for o in greedy if o in members)
            say(f"  {group} ({size} members): {shares} days with equal shares, {most} with greedy")
        say("")

    def commit(self) -> None:
        """Winners become commitments, and the roadmap is published."""
        owner = self.people[0].who.member_id
        text = "Decided by the quarter's ballot."
        made = commitments.commit(self.client, SPACE, self.ballot, self.steward, owner=owner, text=text)
        edition = roadmaps.edition_of(self.client, SPACE, self.quarter, int(time.time()))
        spaces.record(self.client, SPACE, "roadmap", signed(edition, self.steward))
        say(
            f"✓ {len(made)} winners are commitments on the roadmap now; "
            f"its edition {self.quarter} with {edition.items} items is published"
        )

    def voters(self, count: int) -> list[Identity]:
        """Some of the members."""
        return [person.who for person in self.people[:count]]

    def export(self) -> None:
        """The public files, and every receipt against the final log."""
        files = fetch_all(self.data / "public", self.client.base_url)
        view = self.client.get(casting.ballot_path(SPACE, self.ballot), BallotView)
        log = publiclog.read_log(self.client, view.origin, str(view.vkey))
        proofs = []
        for path in self.kept:
            kept = receipt_files.load(path)
            verified = verify_receipt(parse_receipt(kept.proof), kept.entry, kept.policy)
            proofs.append((verified.index, kept.entry, verified.cosigned.checkpoint))
        if publiclog.unproven(log, proofs):
            raise BadProof("a receipt does not hold against the final log")
        say(
            f"✓ {files} files, all that an audit needs, are exported to {self.data / 'public'}",
            f"✓ All {len(proofs)} receipts hold: the final log contains every one of these votes",
        )

    def audit(self, witnesses: Path) -> bool:
        """A stranger, in a process of their own, knowing only the URL and whom else to ask."""
        say("", f"A stranger audits {self.client.base_url}, and asks the neighbours what they have seen:", "")
        stranger = subprocess.Popen(
            command("audit", self.client.base_url, "--witnesses", str(witnesses)),
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        with stranger:
            for line in stranger.stdout or ():
                say(line.rstrip("\n"))
        return stranger.returncode == 0

    def invite(self) -> str:
        """A further ballot, open for a day, for whoever watches; gives its URL."""
        now = int(time.time())
        adopted = spaces.adopted(self.client, SPACE)
        names = {"petrel": "Petrel", "turnstone": "Turnstone", "guillemot": "Guillemot"}
        wish = Wish(
            ballot="name-the-buoy",
            title="What shall the next buoy be called?",
            options=[drafts.option_line(f"{key}={name}") for key, name in names.items()],
            rule="approval",
            closes_at=now + 86_400,
            quorum=False,
        )
        ballot = drafting.define(adopted, wish, self.steward.member_id, now)
        self.client.post(spaces.path(SPACE, "ballots"), signed(ballot, self.steward), DraftRecorded)
        orders.order(self.client, SPACE, wish.ballot, "open", self.steward, "For whoever watches.")
        return f"{self.client.base_url}/spaces/{SPACE}/ballots/{wish.ballot}"

    @staticmethod
    def _id(who: Identity) -> str:
        return short(who.member_id)

"""A joint ballot of three instances: one cut off and healed in time; one dead and late."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import encode
from governance.cli import casting
from governance.cli.client import Client
from governance.cli.space import operator_key
from governance.replay.joint_result import JointResult
from governance.service.joint_answers import JointPage, JointView
from tests.support import netns
from tests.support.netns import Host, Lab
from tests.support.server import Person
from tests.support.town import OPTIONS, QUESTION, SPACE, Town, wait_until

pytestmark = [
    pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not())),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]
VOTES = {0: ("well",), 1: ("well", "bridge"), 2: ("school",)}


class Joint:
    """Three towns on three hosts, partners of each other, with one joint ballot at a time."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab, self.home = lab, home
        self.towns = [Town.at(host, seed) for seed, host in enumerate(lab.hosts, 1)]
        for host in lab.hosts:
            host.start()
        for host in lab.hosts:
            for other in lab.hosts:
                if other is not host:
                    self.person(host).do(
                        "peer", "add", other.url, "--as", "partner", "--yes", "--key", operator_key(host.data)
                    )
        for town in self.towns:
            town.found(3)
            (home / f"steward{town.seed}").write_bytes(town.steward.key.dump())
        self.towns[0].open("pattern")

    def person(self, host: Host) -> Person:
        return Person(self.home, host.url)

    def call(self, name: str, opens: int, lasts: int, grace: int) -> None:
        """The stewards propose, accept and prepare a joint ballot."""
        manifest = self.home / f"{name}.json"
        spaces = [f"{host.url}/spaces/{SPACE}" for host in self.lab.hosts]
        self.person(self.lab.hosts[0]).do(
            "joint", "propose", name, *spaces,
            "--from", f"{self.lab.hosts[0].url}/spaces/{SPACE}/ballots/pattern",
            "--opens", f"+{opens}s", "--closes", f"+{opens + lasts}s", "--grace", f"{grace}s",
            "--minimum", "2", "--partial", "count", "--out", manifest,
        )  # fmt: skip
        for command in ("accept", "open"):
            for town, host in zip(self.towns, self.lab.hosts, strict=True):
                key = self.home / f"steward{town.seed}"
                self.person(host).do("joint", command, manifest, "--yes", "--key", key, "--url", host.url)
        for town in self.towns:
            wait_until(f"{town.url} opens", lambda t=town: self._state(t, name) == "open", 60)
            with town.client() as client:
                town.definition = casting.fetch_definition(client, SPACE, name)[1]

    @staticmethod
    def _state(town: Town, name: str) -> str:
        with town.client() as client:
            return str(client.get(casting.ballot_path(SPACE, name), Any)["state"])

    def vote(self, town: Town) -> None:
        for member, marks in VOTES.items():
            town.vote(member, *marks)

    def view(self, host: Host, name: str) -> JointView:
        with Client(host.url, timeout=10) as client:
            (brief,) = [b for b in client.get(f"/spaces/{SPACE}/joint", JointPage).items if b.ballot == name]
            return client.get(f"/spaces/{SPACE}/joint/{brief.manifest}", JointView)

    def result(self, host: Host, name: str) -> JointResult:
        with Client(host.url, timeout=10) as client:
            return client.get(f"/spaces/{SPACE}/joint/{self.view(host, name).manifest}/result", JointResult)


@pytest.fixture
def joint(tmp_path: Path) -> Iterator[Joint]:
    with netns.lab(tmp_path, 3) as lab:
        home = tmp_path / "home"
        home.mkdir()
        yield Joint(lab, home)


def pooled(person: Person, file: Path, communities: int) -> dict[str, Any]:
    """What `althing count` makes of everybody's votes in one file."""
    document = {
        "format": "althing/ballot-file/v1",
        "rule": "approval",
        "options": [{"id": o, "title": o} for o in OPTIONS],
        "ballots": [{"answer": sorted(marks), "count": communities} for marks in VOTES.values()],
    }
    file.write_bytes(encode(document))
    found: dict[str, Any] = json.loads(person.do("count", file, "--json"))
    return found


def test_cut_off_and_healed_in_grace(joint: Joint, tmp_path: Path) -> None:
    a, b, c = joint.lab.hosts
    joint.call("together", opens=45, lasts=15, grace=120)
    c.shun(a, b)
    a.shun(c)
    b.shun(c)
    for town in joint.towns:
        joint.vote(town)
    wait_until("the first part is decided", lambda: joint.towns[0].view().state == "decided", 60)
    time.sleep(3)
    assert joint.view(a, "together").outcome is None, "the grace period is for the part that is cut off"
    for host in (a, b, c):
        host.welcome()
    for host in (a, b, c):
        wait_until(f"{host.url} decides", lambda h=host: joint.view(h, "together").state == "decided", 120)
    results = {joint.view(host, "together").outcome.result for host in (a, b, c)}  # type: ignore[union-attr]
    assert len(results) == 1
    result = joint.result(a, "together")
    assert result.status == "full"
    (question,) = result.questions
    counted = pooled(joint.person(a), tmp_path / "pooled.json", 3)
    assert question.question == QUESTION
    assert question.outcome.totals == counted["totals"]
    assert question.winners == counted["winners"]
    assert [sub.winners for sub in question.communities] == [["well"]] * 3


def test_dead_beyond_grace_then_late(joint: Joint) -> None:
    a, b, c = joint.lab.hosts
    joint.call("without", opens=45, lasts=10, grace=4)
    for town in joint.towns:
        joint.vote(town)
    c.kill()
    for host in (a, b):
        wait_until(f"{host.url} counts", lambda h=host: joint.view(h, "without").state == "partial", 90)
    partial = joint.result(a, "without")
    assert partial.status == "partial (2 of 3)"
    assert [m.shard for m in partial.missing] == [2]
    assert joint.view(a, "without").outcome.result == joint.view(b, "without").outcome.result  # type: ignore[union-attr]
    c.start()
    for host in (a, b, c):
        wait_until(f"{host.url} supersedes", lambda h=host: joint.view(h, "without").state == "decided", 150)
    full = {joint.view(host, "without").outcome.result for host in (a, b, c)}  # type: ignore[union-attr]
    assert len(full) == 1
    assert joint.result(c, "without").voters == 9
    assert joint.view(a, "without").outcome.superseded == 1  # type: ignore[union-attr]

"""Votes of a decided ballot, told to whoever holds the receipt and written as files that count the same."""

import json
import shlex

import pytest

from tests.support.server import Person, running

BALLOTS = {
    "budget": (
        "equal-shares",
        ("api=API=60", "docs=Docs=40", "pond=Pond=30"),
        ("--param", "budget=100"),
        [["api", "docs"], ["api", "docs"], ["pond"], ["docs"]],
    ),
    "council": (
        "scottish-stv",
        ("ann=Ann", "ben=Ben", "cy=Cy"),
        ("--param", "seats=2"),
        [["ann", "ben"], ["ann", "ben"], ["ann", "ben"], ["cy"]],
    ),
    "points": ("score", ("a=Apples", "b=Pears"), (), [{"a": 3, "b": 1}, {"a": 2}, {"b": 5}, {"b": 1}]),
    "text": (
        "schulze",
        ("a=Apples", "b=Pears", "c=Plums"),
        (),
        [["a", "b", "c"], ["b", "c"], ["c", "a", "b"], [["a", "c"]]],
    ),
}


class Village:
    def __init__(self, server, home):
        self.server, self.home = server, home
        self.steward = Person(home / "steward", server.url)
        self.steward.do("key", "new")
        self.steward.do("space", "new", "mill", "--template", "neighbourhood", "--data", server.data)
        self.members = [self._member(n) for n in range(4)]
        for name, (rule, options, more, _) in BALLOTS.items():
            lines = [word for option in options for word in ("--option", option)]
            new = ("ballot", "new", name, "--closes", "+1d", "--no-quorum", "--rule", rule)
            self.steward.do(*new, *more, *lines)
            self.steward.do("ballot", "open", name, "--yes")
        self.receipts = {name: self._vote(name) for name in BALLOTS}
        for name in BALLOTS:
            self.steward.do("ballot", "close", name, "--yes")

    def _member(self, number):
        person = Person(self.home / f"member-{number}", self.server.url)
        person.do("key", "new")
        request = self.home / f"{number}.request"
        person.do("member", "request", "mill", request)
        self.steward.do("member", "approve", request, "--yes")
        return person

    def url(self, name):
        return f"{self.server.url}/spaces/mill/ballots/{name}"

    def _vote(self, name):
        return [
            person.json("vote", self.url(name), "--answer", f"question={json.dumps(answer)}", "--yes")[
                "receipt"
            ]
            for person, answer in zip(self.members, BALLOTS[name][-1], strict=True)
        ]


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    with running(tmp_path_factory.mktemp("server")) as server:
        yield Village(server, tmp_path_factory.mktemp("people"))


def test_what_a_share_paid_for(village):
    member, receipt = village.members[0], village.receipts["budget"][0]
    told = member.do("receipt", "explain", receipt)
    assert "Your 1/4 share of the budget was 25." in told
    assert "for Docs" in told
    found = member.json("receipt", "explain", receipt)
    assert (found["counts"], found["weight"]) == (True, "1")
    assert found["questions"][0]["rule"] == "equal-shares"


def test_where_a_paper_went_and_from_any_copy(village, tmp_path):
    member, receipt = village.members[0], village.receipts["council"][0]
    lines = member.json("receipt", "explain", receipt)["questions"][0]["lines"]
    assert lines[0] == "Round 1: your paper counts for Ann, your first preference."
    assert "goes on to Ben, at a value of 0.33333" in lines[1]
    mirror, bundle = tmp_path / "mirror", tmp_path / "all.zip"
    member.do("export", mirror)
    member.do("export", "--bundle", bundle)
    for source in (mirror, bundle, village.server.url):
        assert (
            member.json("receipt", "explain", receipt, "--mirror", source)["questions"][0]["lines"] == lines
        )
    only = mirror / "logs/spaces/mill/ballots/council"
    assert "one log's directory" in member.refused("receipt", "explain", receipt, "--mirror", only)["detail"]
    entries = next((mirror / "logs/spaces/mill/ballots/council/tile/entries").rglob("*.p/*"))
    entries.write_bytes(entries.read_bytes()[:-1] + b"!")
    assert member.refused("receipt", "explain", receipt, "--mirror", mirror)["error"] == "audit-failed"


def test_a_ballot_that_is_not_decided_and_a_vote_that_was_replaced(village):
    member = village.members[0]
    new = ("ballot", "new", "late", "--closes", "+1d", "--no-quorum", "--rule", "approval")
    village.steward.do(*new, "--option", "a=Apples", "--option", "b=Pears")
    village.steward.do("ballot", "open", "late", "--yes")
    first = member.json("vote", village.url("late"), "--approve", "a", "--yes")["receipt"]
    assert "not decided" in member.refused("receipt", "explain", first)["detail"]
    member.do("vote", village.url("late"), "--approve", "b", "--yes")
    village.steward.do("ballot", "close", "late", "--yes")
    told = member.do("receipt", "explain", first)
    assert "It was replaced by entry" in told
    assert "You answered: Pears." in told


FITTING = {"budget": "pabulib", "council": "blt", "points": "csv", "text": "preflib"}


@pytest.mark.parametrize("name", BALLOTS)
def test_the_exported_file_counts_the_same(village, name, tmp_path):
    steward, form = village.steward, FITTING[name]
    outcome = steward.json("ballot", "results", name, "--space", "mill")["questions"][0]["outcome"]
    file = tmp_path / f"{name}.json"
    steward.do("ballot", "export", name, "-o", file)
    again = steward.json("count", file)
    assert {field: again[field] for field in outcome} == outcome
    other = tmp_path / f"{name}.{form}"
    result = steward.run("ballot", "export", village.url(name), "--format", form, "--output", other)
    assert result.exit_code == 0, result.output
    arguments = result.stderr.strip().rpartition("althing count ")[2]
    arguments = shlex.split(arguments)
    assert arguments[0] == str(other)
    recounted = steward.json("count", *arguments)
    place = dict(zip(outcome["options"], recounted["options"], strict=True))
    assert recounted["winners"] == [place[option] for option in outcome["winners"]]
    assert recounted["totals"] == {place[option]: total for option, total in outcome["totals"].items()}


def test_no_voter_is_named_unless_asked_for(village, tmp_path):
    steward = village.steward
    text = steward.do("ballot", "export", "budget")
    ballots = json.loads(text)["ballots"]
    assert "did:key" not in text
    assert sorted(line.get("count", 1) for line in ballots) == [1, 1, 2]
    named = json.loads(steward.do("ballot", "export", "budget", "--with-voters"))["ballots"]
    assert {line["voter"] for line in named} == {m.json("key", "show")["member"] for m in village.members}
    assert steward.run("ballot", "export", "budget", "--with-voters", "--format", "csv").exit_code == 2
    assert steward.run("ballot", "export", "budget", "--format", "pdf").exit_code == 2


def problem(person, *arguments):
    result = person.run("ballot", "export", *arguments)
    assert result.exit_code == 1
    return result.stderr


def test_a_format_that_does_not_fit_and_questions_that_are_not_there(village, tmp_path):
    steward = village.steward
    assert "these are approval answers" in problem(steward, "budget", "--format", "blt")
    assert "no question other" in problem(steward, "budget", "--question", "other")


def test_from_a_mirror_nobody_is_asked(village, tmp_path):
    steward, mirror = village.steward, tmp_path / "mirror"
    steward.do("export", mirror)
    wanted = steward.do("ballot", "export", "text")
    apart = Person(steward.home, None)
    assert apart.do("ballot", "export", village.url("text"), "--mirror", mirror) == wanted
    assert "--space" in problem(apart, "text", "--mirror", mirror)

"""Two communities of one name on two instances, with one steward: what is signed for one stays there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from governance import limits
from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.signing import load_identity, signed
from governance.errors import InvalidStatement
from governance.log.tiles import Bundle, parse_bundle
from governance.signing.fingerprint import fingerprint
from governance.statements.base import BoundStatement
from governance.statements.entry import read_entry, read_envelope
from governance.statements.member import Member
from tests.support.server import Person, running


@dataclass(frozen=True)
class Two:
    here: str
    there: str
    steward: Person
    ben: Person
    request: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    home = tmp_path_factory.mktemp("two")
    with running(home / "one") as here, running(home / "two") as there:
        steward, ben = (Person(home / name, here.url) for name in ("steward", "ben"))
        for person in (steward, ben):
            person.do("key", "new")
        for server in (here, there):
            steward.do("space", "new", "mill", "--data", server.data, "--url", server.url)
            steward.do("space", "delegation", "2", "--url", server.url)
        request = home / "ben.request"
        ben.do("member", "request", "mill", request)
        yield Two(here.url, there.url, steward, ben, request)


def entries(url):
    """The entries of the community's log, from its public files."""
    with Client(url) as client:
        size = int(client.read("/logs/spaces/mill/checkpoint").split(b"\n")[1])
        data = client.read(f"/logs/spaces/mill/{Bundle(0, size).path}", limits.ENTRY_BUNDLE)
    return [read_entry(entry) for entry in parse_bundle(data, size)]


def test_nothing_of_one_log_can_be_brought_into_the_other(two):
    two.steward.do("member", "approve", two.request, "--yes", "--url", two.here)
    founder = next(row["member"] for row in two.ben.json("member", "list") if "steward" in row["roles"])
    two.ben.do("delegate", founder, "--space-wide", "--yes")
    before = len(entries(two.there))
    brought = [entry for entry in entries(two.here) if isinstance(entry.statement, BoundStatement)]
    assert {entry.statement.KIND for entry in brought} == {"constitution", "member", "delegation"}
    places = {"member": "members", "constitution": "constitution", "delegation": "delegations"}
    with Client(two.there) as client:
        for entry in brought:
            with pytest.raises(InvalidStatement, match="another instance"):
                spaces.record(client, "mill", places[entry.statement.KIND], entry.data)
    assert len(entries(two.there)) == before


def test_a_request_is_good_for_the_instance_it_was_made_for(two):
    said = two.steward.refused("member", "approve", two.request, "--yes", "--url", two.there)
    assert (said["error"], said["pointer"]) == ("invalid-statement", "/instance")
    assert f"--url {two.there}" in said["detail"], "nothing was signed, and it says what to do"


def test_a_request_that_names_no_instance_is_not_signed(two, tmp_path):
    who = load_identity(two.ben.home / "key")
    asked = read_envelope(two.request.read_bytes().strip()).statement
    old = tmp_path / "old.request"
    old.write_bytes(signed(msgspec.structs.replace(asked, instance=None), who))
    said = two.steward.refused("member", "approve", old, "--yes")
    assert (said["error"], said["pointer"]) == ("invalid-statement", "/instance")
    assert f"--url {two.here}" in said["detail"]


def test_a_request_is_made_without_network_when_the_instance_is_named(two, tmp_path):
    with Client(two.here) as client:
        instance = client.instance
    nowhere = ("--url", "http://127.0.0.1:9")
    assert two.ben.refused("member", "request", "mill", tmp_path / "a", *nowhere)["error"] == "no-answer"
    said = two.ben.do("member", "request", "mill", tmp_path / "b", "--instance", instance, *nowhere)
    assert fingerprint(instance) in said
    asked = read_envelope((tmp_path / "b").read_bytes().strip()).statement
    assert isinstance(asked, Member)
    assert asked.instance == instance
    wrong = two.ben.refused("member", "request", "mill", tmp_path / "c", "--instance", instance[:-1])
    assert "64 hex digits" in wrong["detail"]
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "c").exists()

"""`althing roadmap link|offer|accept|decline|close` between two services, and by each other's address."""

from __future__ import annotations

import pytest

from tests.support.server import Person, running

ROADMAP = """# Roadmap

## 2027-Q1

| Item | Status | Effort |
|---|---|---|
| Search engine | planned | 5 days |
| Index | planned | 3 days |
| Third thing | planned | 2 days |
"""


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    home = tmp_path_factory.mktemp("towns")
    with running(home / "north") as north, running(home / "south") as south:
        stewards = []
        for name, server in (("north", north), ("south", south)):
            steward = Person(home / f"{name}-steward", server.url)
            steward.do("key", "new")
            steward.do("space", "new", name, "--template", "project", "--data", server.data)
            stewards.append(steward)
        (home / "roadmap.md").write_text(ROADMAP)
        stewards[0].do("roadmap", "import", home / "roadmap.md", "--yes")
        yield home, stewards, (north, south)


def items(steward: Person) -> list[str]:
    return [item["item"] for item in steward.json("roadmap", "list")]


def test_an_item_moves_by_two_commands_and_is_closed_by_a_third(towns):
    home, (north, south), _ = towns
    item = items(north)[0]
    offer = north.json("roadmap", "offer", item, f"{south.url}/spaces/south")
    assert north.refused("roadmap", "close", item, "--from", south.url)["error"] == "not-found"
    asked = ("roadmap", "accept", offer["item"], "--from", f"{north.url}/spaces/north", "--as", "taken")
    accepted = south.json(*asked)
    assert (accepted["item"], accepted["former"]) == ("taken", offer["item"])
    (mine,) = south.json("roadmap", "list")
    theirs = next(i for i in north.json("roadmap", "list") if i["item"] == item)
    assert (mine["title"], mine["effort"], mine["source"]) == (
        theirs["title"],
        theirs["effort"],
        offer["item"],
    )
    assert south.refused(*asked[:-1], "again")["error"] == "already-exists"
    closed = north.json("roadmap", "close", item, "--from", south.url)
    assert closed["state"] == "moved"
    assert closed["home"].endswith("/south/taken")
    listed = north.do("roadmap", "list")
    assert f"{item}: {theirs['title']}, moved to {closed['home']}" in listed
    assert "2 items of north" in listed
    assert north.json("roadmap", "import", home / "roadmap.md", "--dry-run")["moved"] == [item]
    # Another text: the same words within the second are the statement that is recorded already.
    again = north.refused("roadmap", "offer", item, f"{south.url}/spaces/south", "--text", "once more")
    assert (again["error"], again["home"]) == ("not-home", closed["home"])


def test_a_declined_item_is_free_again(towns):
    _, (north, south), _ = towns
    item = items(north)[1]
    offer = north.json("roadmap", "offer", item, f"{south.url}/spaces/south", "--text", "for you?")
    south.do("roadmap", "decline", offer["item"], "--from", north.url, "--text", "no time")
    said = north.do("roadmap", "close", item, "--from", f"{south.url}/spaces/south")
    assert "free again" in said
    assert north.refused("roadmap", "close", item, "--from", south.url)["error"] == "invalid-statement"


def test_links_by_id_name_and_address(towns):
    _, (north, south), _ = towns
    one, two = items(north)[1:3]
    here = north.json("roadmap", "link", one, "depends-on", two)
    assert here["target"].endswith(f"/north/{two}")
    there = north.json(
        "roadmap", "link", one, "adopts", f"{south.url}/spaces/south/roadmap/wish", "--text", "soon"
    )
    assert there["target"].endswith("/south/wish")
    assert north.json("roadmap", "unlink", one, "adopts", there["target"])["present"] is False
    assert north.refused("roadmap", "unlink", one, "adopts", there["target"])["error"] == "invalid-statement"
    assert north.refused("roadmap", "link", one, "likes", two)["error"] == "malformed-request"
    assert north.refused("roadmap", "link", one, "blocks", "No Item!")["error"] == "malformed-request"


def test_the_map_is_listed_and_filtered(towns):
    _, (north, _), _ = towns
    found = north.json("roadmap", "map")
    # What has moved to the south is shown there, from what the north says: it follows nobody.
    assert {tuple(i["marks"]) for i in found if i["home"]["space"] == "south"} <= {("unfollowed",)}
    assert "Third thing" in {item["title"] for item in found}
    (third,) = north.json("roadmap", "map", "--words", "third", "--community", "north", "--status", "planned")
    assert third["name"].endswith("/north/third-thing")
    assert "Third thing" in north.do("roadmap", "map", "--quarter", "2027-Q1")


def test_an_offer_needs_the_community_that_was_named(towns):
    _, (north, south), _ = towns
    item = items(north)[2]
    strange = "sha256:" + "0" * 64
    refused = south.refused("roadmap", "accept", f"{strange}/north/{item}", "--from", north.url)
    assert refused["error"] == "audit-failed"
    assert south.refused("roadmap", "accept", item, "--from", north.url)["error"] == "not-found"

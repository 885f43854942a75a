"""Two services, two communities: an item is offered by one and accepted by the other; links over HTTP."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from federation.roadmap_sources import Followed, read_sources
from federation.roadmaps import merge
from governance.audit.run import audit
from governance.fetch.directory import Directory
from governance.service.publishing import export
from governance.signing.note import Ed25519Signer
from governance.statements.roadmap import RoadmapEdition
from governance.statements.roadmap_links import (
    ItemLink,
    SpaceRef,
    TransferAccept,
    TransferClose,
    TransferDecline,
    TransferOffer,
)
from tests.support.people import recorded
from tests.support.service import NOW, running

NORTH, SOUTH = "https://north.example", "https://south.example"


@pytest.fixture
def two(tmp_path):
    with (
        running(tmp_path / "north", url=NORTH, found=False) as north,
        running(tmp_path / "south", url=SOUTH, found=False) as south,
    ):
        for town, base in ((north, NORTH), (south, SOUTH)):
            town.community.base = base.partition("//")[2]
            town.community.found()
        recorded(post(north, north.community.item()))
        yield north, south


def post(town, statement):
    return town.community.post("/roadmap", statement, town.community.steward)


def ref(town) -> SpaceRef:
    view = town.client.get(town.community.url).json()
    return SpaceRef(town.community.instance, "nix", view["origin"], view["vkey"])


def standing(town, item="search"):
    answer = town.client.get(f"{town.community.url}/roadmap/{item}/standing")
    assert answer.status_code == 200, answer.text
    return answer.json()


def offering(north, south, **changes) -> TransferOffer:
    revision = standing(north)["revision"]
    offer = TransferOffer("nix", north.community.instance, "search", revision, ref(south), "", NOW)
    return replace(offer, **changes)


def accepting(north, offer, item="finding") -> TransferAccept:
    known = ref(north)
    return TransferAccept("nix", item, known.origin, known.vkey, offer["entry"], offer["receipt"], NOW)


def closing(offer, answer) -> TransferClose:
    return TransferClose("nix", "search", offer["digest"], answer["entry"], answer["receipt"], NOW)


def test_an_item_moves_from_one_service_to_the_other(two, tmp_path):
    north, south = two
    offer = recorded(post(north, offering(north, south))).json()
    assert (standing(north)["state"], standing(north)["offer"]["digest"]) == ("offered", offer["digest"])
    second = replace(north.community.item(), revision=2, previous=standing(north)["revision"])
    answer = post(north, second)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-home")
    accepted = recorded(post(south, accepting(north, offer))).json()
    mine = standing(south, "finding")
    assert (mine["state"], mine["former"], mine["revision"]) == ("owned", standing(north)["name"], None)
    before = north.client.get(f"{north.community.url}/roadmap").json()
    assert (before["edition_items"], before["items"][0]["moved_to"]) == (1, None)
    recorded(post(north, RoadmapEdition("nix", "2027-Q1", 1, before["edition_root"], NOW)))
    recorded(post(north, closing(offer, accepted)))
    assert (standing(north)["state"], standing(north)["home"]) == ("moved", mine["name"])
    assert mine["name"] in post(north, second).json()["home"]
    recorded(post(south, south.community.item("finding", title="Finding")))
    roadmap = north.client.get(f"{north.community.url}/roadmap").json()
    assert [i["moved_to"] for i in roadmap["items"]] == [mine["name"]]
    assert north.client.get(f"{north.community.url}/roadmap/search").json() == roadmap["items"][0]
    assert roadmap["edition_items"] == north.client.get(north.community.url).json()["items"] == 0
    recorded(post(north, RoadmapEdition("nix", "2027-Q2", 0, roadmap["edition_root"], NOW)))
    views = []
    for town in two:
        folder = tmp_path / f"export-{town.community.base}"
        export(town.service.store, folder)
        assert not audit(Directory(folder)).failures
        views += read_sources([Followed(town.community.instance, Directory(folder), NOW)])
    found = merge(views, NOW)
    assert [(i.title, i.home.base_url, [h.name for h in i.history]) for i in found.items] == [
        ("Finding", SOUTH, [standing(north)["name"]])
    ]
    assert not found.conflicts
    assert not any(i.marks for i in found.items)
    assert sorted((s.home.base_url, s.items) for s in found.sources) == [(NORTH, 0), (SOUTH, 1)]


def test_a_declined_offer_frees_the_item_once_its_home_has_logged_it(two):
    north, south = two
    offer = recorded(post(north, offering(north, south))).json()
    declined = recorded(post(south, TransferDecline("nix", offer["digest"], "too much", NOW))).json()
    assert post(south, accepting(north, offer)).json()["code"] == "already-exists"
    recorded(post(north, closing(offer, declined)))
    assert standing(north)["state"] == "owned"
    second = replace(north.community.item(), revision=2, previous=standing(north)["revision"])
    recorded(post(north, second))


def test_an_offer_that_names_another_key_of_this_log_is_not_accepted(two):
    north, south = two
    right = ref(south)
    wrong = replace(right, vkey=str(Ed25519Signer(right.origin, b"\1" * 32).key))
    offer = recorded(post(north, offering(north, south, to=wrong))).json()
    answer = post(south, accepting(north, offer))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/offer")
    assert "key" in answer.json()["detail"]


def test_links_are_stated_and_taken_back(two):
    north, south = two
    target = f"{south.community.instance}/nix/anything"
    link = ItemLink("nix", "search", "depends-on", target, True, None, "first that", NOW)
    said = recorded(post(north, link)).json()
    (shown,) = standing(north)["links"]
    assert (shown["target"], shown["digest"], shown["present"]) == (target, said["digest"], True)
    back = replace(link, present=False, previous=said["digest"])
    recorded(post(north, back))
    assert not standing(north)["links"][0]["present"]
    assert post(north, replace(back, text="again")).json()["code"] == "stale-revision"


def test_garbage_in_place_of_an_offer_is_refused_with_a_reason(two):
    north, south = two
    known = ref(north)
    for offer in ("", "!", "e30="):
        bad = TransferAccept("nix", "finding", known.origin, known.vkey, offer, "", NOW)
        answer = post(south, bad)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-statement")
    assert south.client.get(f"{south.community.url}/roadmap/finding/standing").status_code == 404

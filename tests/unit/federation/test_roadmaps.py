"""The merged map: homes, moves, links, circles, and contradictions that are shown and not resolved."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from federation.roadmap_views import FRESH
from governance.log.receipt import Receipt, parse_receipt
from governance.signing.note import sign_note
from tests.support.joint import NOW, log_signer
from tests.support.roadmaps import Planner, item_of, map_of


@pytest.fixture
def three():
    planners = [Planner(n) for n in range(3)]
    for planner in planners:
        planner.plan("search", "index")
    return planners


def names(found):
    return [item.name for item in found.items]


def test_every_item_once_with_its_home_and_the_entry_that_says_so(three):
    found = map_of(*three)
    assert names(found) == sorted(p.name(i) for p in three for i in ("search", "index"))
    item = item_of(found, three[1].name("search"))
    assert (item.home.instance_name, item.home.space, item.home.title) == ("c1.example", "club", "Club 1")
    assert item.home.base_url == "https://c1.example"
    assert item.provenance is not None
    assert (item.provenance.origin, item.provenance.index) == (three[1].origin, 2)
    assert item.provenance.size == three[1].size
    assert item.marks == []
    assert not found.conflicts
    assert not found.cycles


def test_a_later_revision_replaces_the_earlier(three):
    three[0].plan("search", title="Find anything", status="in-progress")
    item = item_of(map_of(*three), three[0].name("search"))
    assert (item.title, item.status, item.revision) == ("Find anything", "in-progress", 2)


# Moves


def test_a_moved_item_is_shown_once_at_its_new_home_with_its_history(three):
    one, two, _ = three
    one.move("search", two, "finding")
    found = map_of(*three)
    assert one.name("search") not in names(found)
    item = item_of(found, two.name("finding"))
    # The new home has not revised it yet: the last revision before counts, and says where it stands.
    assert (item.title, item.home.title, item.marks) == ("Search", "Club 1", [])
    assert item.provenance is not None
    assert item.provenance.origin == one.origin
    assert [former.name for former in item.history] == [one.name("search")]
    two.plan("finding", title="Finding")
    item = item_of(map_of(*three), two.name("finding"))
    assert item.title == "Finding"
    assert item.provenance is not None
    assert item.provenance.origin == two.origin


def test_until_the_offer_is_answered_the_item_stays_and_says_to_whom_it_is_offered(three):
    one, two, _ = three
    offer = one.offer("search", two)
    item = item_of(map_of(*three), one.name("search"))
    assert item.offered_to == f"{two.instance_id}/club"
    two.add(two.accepting(one, offer, "finding"))
    found = map_of(*three)
    # Accepted is moved, whether or not the former home has logged it.
    assert one.name("search") not in names(found)
    assert item_of(found, two.name("finding")).marks == []
    assert not found.conflicts


def test_an_item_that_moved_twice_has_both_names_behind_it(three):
    one, two, three_ = three
    one.move("search", two, "second")
    two.plan("second")
    two.move("second", three_, "third")
    item = item_of(map_of(*three), three_.name("third"))
    assert [former.name for former in item.history] == [one.name("search"), two.name("second")]
    assert item.revision == 1


def test_a_declined_item_is_where_it_was(three):
    one, two, _ = three
    offer = one.offer("search", two)
    answer = two.add(two.declining(offer))
    one.add(one.closing(two, offer, answer))
    item = item_of(map_of(*three), one.name("search"))
    assert (item.offered_to, item.marks) == (None, [])


def test_the_former_home_is_not_followed(three):
    one, two, other = three
    one.move("search", two, "finding")
    item = item_of(map_of(two, other), two.name("finding"))
    assert (item.title, item.status, item.marks) == ("finding", "unknown", ["unverified"])
    assert item.provenance is None


def test_the_new_home_is_not_followed(three):
    one, two, other = three
    one.move("search", two, "finding")
    item = item_of(map_of(one, other), two.name("finding"))
    assert (item.title, item.marks, item.home.base_url) == ("Search", ["unfollowed"], "")
    assert item.home.instance == two.instance_id


def test_copies_that_are_behind_are_marked_and_contradict_nobody(three):
    one, two, _ = three
    before_one, before_two = one.fork(), two.fork()
    one.move("search", two, "finding")
    found = map_of(*three, copies={1: before_two})
    assert item_of(found, two.name("finding")).marks == ["stale"]
    assert not found.conflicts
    found = map_of(*three, copies={0: before_one})
    assert one.name("search") not in names(found)
    assert item_of(found, two.name("finding")).marks == ["stale"]
    assert not found.conflicts


# Contradictions


def test_two_homes_with_two_offers_of_a_giver_that_tells_two_stories(three):
    one, two, other = three
    split = one.fork()
    two.add(two.accepting(one, one.offer("search", two), "mine"))
    other.add(other.accepting(split, split.offer("search", other), "mine-too"))
    found = map_of(*three)
    # The log we have bears out the first; the second has a receipt for an entry that is not there.
    assert [c.items for c in found.conflicts] == [sorted([one.name("search"), other.name("mine-too")])]
    assert "does not have" in found.conflicts[0].why
    assert item_of(found, other.name("mine-too")).marks == ["conflict"]
    # Without the giver's log both claims stand against each other, and none is believed.
    found = map_of(two, other)
    assert found.conflicts[0].items == sorted([one.name("search"), two.name("mine"), other.name("mine-too")])
    assert {item.name for item in found.items if "conflict" in item.marks} == {
        two.name("mine"),
        other.name("mine-too"),
    }


def test_a_taker_that_declined_to_one_and_accepted_to_all_others(three):
    one, two, _ = three
    offer = one.offer("search", two)
    split = two.fork()
    declined = split.add(split.declining(offer))
    two.add(two.accepting(one, offer, "finding"))
    one.add(one.closing(split, offer, declined))
    one.plan("search", title="Still ours")
    found = map_of(*three)
    assert found.conflicts[0].items == sorted([one.name("search"), two.name("finding")])
    assert item_of(found, one.name("search")).marks == ["conflict"]
    assert item_of(found, two.name("finding")).marks == ["conflict"]


def test_a_taker_that_accepted_to_one_and_shows_no_such_thing_to_others(three):
    one, two, _ = three
    offer = one.offer("search", two)
    split = two.fork()
    one.add(one.closing(split, offer, split.add(split.accepting(one, offer, "finding"))))
    two.plan("more", "and-more")
    found = map_of(*three)
    assert item_of(found, one.name("search")).marks == ["conflict"]
    assert "whose log does not" in found.conflicts[0].why


def test_an_acceptance_from_a_forged_log_of_that_name_takes_nothing(three):
    one, two, _ = three
    forged = one.fork()
    offer = forged.offer("search", two)
    right = two.accepting(forged, offer, "stolen")
    impostor = type(log_signer(one.origin))(one.origin, b"\1" * 32)
    parsed = parse_receipt(right.receipt.encode())
    text = parsed.checkpoint.partition(b"\n\n")[0] + b"\n"
    resigned = bytes(Receipt(parsed.index, parsed.proof, sign_note(text, [impostor]))).decode()
    two.add(replace(right, vkey=str(impostor.key), receipt=resigned))
    found = map_of(*three)
    assert item_of(found, one.name("search")).marks == ["conflict"]
    assert item_of(found, two.name("stolen")).marks == ["conflict"]
    assert "key" in found.conflicts[0].why


# Links


def test_links_lead_to_present_names_and_say_whether_both_sides_state_them(three):
    one, two, _ = three
    one.add(one.link("search", "depends-on", two.name("index")))
    one.add(one.link("search", "adopts", two.name("nothing")))
    two.move("index", three[2], "moved")
    found = map_of(*three)
    adopted, needed = item_of(found, one.name("search")).links
    assert (needed.target, needed.stated) == (three[2].name("moved"), two.name("index"))
    assert (needed.known, needed.agreed, needed.title) == (True, False, "Index")
    assert (adopted.known, adopted.title) == (False, "")
    (naming,) = item_of(found, three[2].name("moved")).named_by
    assert (naming.relation, naming.item, naming.agreed) == ("depends-on", one.name("search"), False)
    three[2].plan("moved")
    three[2].add(three[2].link("moved", "blocks", one.name("search")))
    found = map_of(*three)
    assert item_of(found, one.name("search")).links[1].agreed
    assert item_of(found, three[2].name("moved")).links[0].agreed


def test_a_link_that_was_taken_back_is_gone(three):
    one, two, _ = three
    one.add(one.link("search", "blocks", two.name("index")))
    one.add(one.link("search", "blocks", two.name("index"), present=False))
    assert item_of(map_of(*three), one.name("search")).links == []


def test_links_of_the_former_home_do_not_bind_the_new_one(three):
    one, two, _ = three
    one.add(one.link("search", "blocks", two.name("index")))
    one.move("search", two, "finding")
    assert item_of(map_of(*three), two.name("finding")).links == []


def test_circles_across_instances_are_reported_whichever_side_states_them(three):
    one, two, other = three
    one.add(one.link("search", "depends-on", two.name("search")))
    other.add(other.link("search", "blocks", two.name("search")))
    assert map_of(*three).cycles == []
    one.add(one.link("search", "blocks", other.name("search")))
    assert map_of(*three).cycles == [sorted(p.name("search") for p in three)]


def test_duplicates_are_no_circle(three):
    one, two, _ = three
    one.add(one.link("search", "duplicates", two.name("search")))
    two.add(two.link("search", "duplicates", one.name("search")))
    found = map_of(*three)
    assert found.cycles == []
    assert item_of(found, one.name("search")).links[0].agreed


# Sources


def test_sources_that_nobody_could_ask_for_a_day_are_stale(three):
    assert item_of(map_of(*three, now=NOW + FRESH), three[0].name("search")).marks == []
    found = map_of(*three, now=NOW + FRESH + 1)
    assert item_of(found, three[0].name("search")).marks == ["stale"]
    assert [source.marks for source in found.sources] == [["stale"]] * 3

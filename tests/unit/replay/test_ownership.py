"""Whose an item is: offers, answers, links, and that two logs never both own one item."""

from __future__ import annotations

from base64 import b64encode

import pytest
from msgspec.structs import replace

from governance import limits
from governance.errors import (
    AlreadyExists,
    InvalidStatement,
    NotAuthorised,
    NotHome,
    StaleRevision,
)
from governance.log.merkle import leaf_hash, root
from governance.replay.space import edition_of
from governance.statements.roadmap import RoadmapEdition
from tests.support.joint import NOW, log_signer
from tests.support.roadmaps import Planner, embedded, receipt_of
from tests.support.world import key, signed


@pytest.fixture
def two():
    giver, taker = Planner(0), Planner(1)
    giver.plan("search", "index")
    return giver, taker


def refused(who: Planner, statement, error, pointer=None, by=None):
    """The statement is refused, and nothing has changed."""
    before = who.space.state.size
    with pytest.raises(error) as caught:
        who.space.add(signed(statement, by or who.steward))
    assert who.space.state.size == before
    if pointer is not None:
        assert caught.value.pointer == pointer
    return caught.value


# Offers and answers


def test_an_item_moves_and_its_former_home_names_the_new_one(two):
    giver, taker = two
    giver.move("search", taker, "finding")
    error = refused(giver, giver.revision("search"), NotHome, "/item")
    assert error.facts["home"] == taker.name("finding")
    assert taker.name("finding") in error.detail
    taker.plan("finding")
    assert taker.space.state.items["finding"].statement.revision == 1
    (answer,) = taker.space.state.ownership.answers.values()
    assert answer.former == giver.name("search")


def test_editions_hold_what_has_its_home_here(two):
    giver, taker = two
    moving = giver.space.state.items["search"].digest
    before = edition_of(giver.space.state)
    assert before == edition_by_hand(giver.space.state.items["index"].digest, moving)
    giver.add(RoadmapEdition("club", "2027-Q1", *before, NOW))
    offer = giver.offer("search", taker)
    answer = taker.add(taker.accepting(giver, offer, "finding"))
    assert edition_of(giver.space.state) == before
    assert edition_of(taker.space.state) == edition_by_hand()
    giver.add(giver.closing(taker, offer, answer))
    left = edition_by_hand(giver.space.state.items["index"].digest)
    refused(giver, RoadmapEdition("club", "2027-Q2", *before, NOW), InvalidStatement, "/root")
    giver.add(RoadmapEdition("club", "2027-Q2", *left, NOW))
    taker.plan("finding")
    assert edition_of(taker.space.state) == edition_by_hand(taker.space.state.items["finding"].digest)


def test_an_edition_holds_an_item_that_was_declined(two):
    giver, taker = two
    before = edition_of(giver.space.state)
    offer = giver.offer("search", taker)
    giver.add(giver.closing(taker, offer, taker.add(taker.declining(offer))))
    assert edition_of(giver.space.state) == before


def edition_by_hand(*digests: str) -> tuple[int, str]:
    leaves = [leaf_hash(digest.encode()) for digest in digests]
    return len(digests), root(leaves).hex()


def test_an_offer_freezes_the_item_and_only_it(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    error = refused(giver, giver.revision("search"), NotHome, "/item")
    assert error.facts["offer"] == offer.identity
    refused(giver, giver.offering("search", Planner(2)), NotHome, "/item")
    refused(giver, giver.link("search", "blocks", giver.name("index")), NotHome, "/item")
    giver.plan("index")


def test_a_declined_item_is_free_again_but_only_once_that_is_logged(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    answer = taker.add(taker.declining(offer))
    refused(giver, giver.revision("search"), NotHome)
    giver.add(giver.closing(taker, offer, answer))
    giver.plan("search")
    second = giver.offer("search", taker)
    assert second.identity != offer.identity
    taker.add(taker.accepting(giver, second, "search"))


def test_one_answer_to_an_offer_for_ever(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    taker.add(taker.accepting(giver, offer, "search"))
    refused(taker, taker.declining(offer), AlreadyExists)
    refused(taker, taker.accepting(giver, offer, "other"), AlreadyExists)
    other = giver.offer("index", taker)
    taker.add(taker.declining(other))
    refused(taker, taker.accepting(giver, other, "index"), AlreadyExists)


def test_an_offer_cannot_be_closed_without_the_answer(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    answer = taker.add(taker.accepting(giver, offer, "search"))
    right = giver.closing(taker, offer, answer)
    founding = taker.space.entries[0]
    wrong = [
        (replace(right, receipt=receipt_of(taker.space, 0)), "/receipt"),
        (replace(right, receipt="no receipt"), "/receipt"),
        (replace(right, answer="not base64"), "/answer"),
        (replace(right, answer=b64encode(b"{}").decode()), "/answer"),
        (replace(right, answer=embedded(founding), receipt=taker.receipt(founding)), "/answer"),
        (replace(right, offer=founding.identity), "/offer"),
        (replace(right, item="index"), "/offer"),
    ]
    for statement, pointer in wrong:
        refused(giver, statement, InvalidStatement, pointer)
    giver.add(right)
    refused(giver, replace(right, closed_at=NOW + 99), AlreadyExists)


def test_an_answer_in_another_log_or_to_another_offer_closes_nothing(two):
    giver, taker = two
    offer, other = giver.offer("search", taker), giver.offer("index", taker)
    stranger = Planner(2)
    elsewhere = stranger.add(stranger.declining(offer))
    refused(giver, giver.closing(stranger, offer, elsewhere), InvalidStatement, "/receipt")
    declined = taker.add(taker.declining(other))
    refused(giver, giver.closing(taker, offer, declined), InvalidStatement, "/answer")
    accepted = taker.add(taker.accepting(giver, offer, "search"))
    refused(giver, giver.closing(taker, other, accepted), InvalidStatement, "/answer")


def test_only_the_latest_revision_of_an_own_item_is_offered_elsewhere(two):
    giver, taker = two
    first = giver.space.state.items["search"].digest
    giver.plan("search")
    refused(giver, giver.offering("search", taker, revision=first), StaleRevision, "/revision")
    refused(giver, giver.offering("nothing", taker), InvalidStatement, "/item")
    refused(giver, giver.offering("search", giver), InvalidStatement, "/to")
    refused(giver, giver.offering("search", taker, instance=taker.instance_id), InvalidStatement, "/instance")
    bad = replace(taker.ref, vkey=giver.ref.vkey)
    refused(giver, replace(giver.offering("search", taker), to=bad), InvalidStatement, "/to/vkey")
    bad = replace(taker.ref, vkey="no key")
    refused(giver, replace(giver.offering("search", taker), to=bad), InvalidStatement, "/to/vkey")


def test_only_what_was_offered_to_this_space_is_accepted(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    right = taker.accepting(giver, offer, "search")
    third = Planner(2)
    refused(third, third.accepting(giver, offer, "search"), InvalidStatement, "/offer")
    refused(taker, replace(right, vkey=third.ref.vkey), InvalidStatement, "/vkey")
    forged = replace(right, origin=third.origin, vkey=third.ref.vkey)
    refused(taker, forged, InvalidStatement, "/receipt")
    refused(taker, replace(right, receipt=receipt_of(giver.space, 0)), InvalidStatement, "/receipt")
    item = giver.space.entries[-2]
    refused(
        taker, replace(right, offer=embedded(item), receipt=giver.receipt(item)), InvalidStatement, "/offer"
    )
    taker.plan("search")
    refused(taker, right, AlreadyExists, "/item")
    taker.add(replace(right, item="search-too"))
    again = giver.offer("index", taker)
    refused(taker, taker.accepting(giver, again, "search-too"), AlreadyExists, "/item")


def test_a_receipt_under_another_key_of_that_name_is_refused(two):
    giver, taker = two
    offer = giver.offer("search", taker)
    right = taker.accepting(giver, offer, "search")
    impostor = type(log_signer(giver.origin))(giver.origin, b"\1" * 32)
    refused(taker, replace(right, vkey=str(impostor.key)), InvalidStatement, "/receipt")


def test_every_step_needs_a_role_that_may_plan(two):
    giver, taker = two
    nobody = key(77)
    refused(giver, giver.offering("search", taker), NotAuthorised, by=nobody)
    refused(giver, giver.link("search", "blocks", giver.name("index")), NotAuthorised, by=nobody)
    offer = giver.offer("search", taker)
    refused(taker, taker.accepting(giver, offer, "search"), NotAuthorised, by=nobody)
    refused(taker, taker.declining(offer), NotAuthorised, by=nobody)
    answer = taker.add(taker.accepting(giver, offer, "search"))
    refused(giver, giver.closing(taker, offer, answer), NotAuthorised, by=nobody)


def test_an_item_goes_on_and_comes_back_under_another_name(two):
    giver, taker = two
    giver.move("search", taker)
    taker.plan("search")
    offer = taker.offer("search", giver)
    refused(giver, giver.accepting(taker, offer, "search"), AlreadyExists, "/item")
    answer = giver.add(giver.accepting(taker, offer, "search-again"))
    taker.add(taker.closing(giver, offer, answer))
    giver.plan("search-again")


def test_what_is_accepted_and_has_no_revision_yet_is_not_offered_on(two):
    giver, taker = two
    giver.move("search", taker)
    refused(taker, taker.offering("search", giver), InvalidStatement, "/item")


def test_the_longest_statements_fit_an_entry(two):
    giver, taker = two
    offer = signed(giver.offering("search", taker, text="\1" * 300), giver.steward)
    assert len(embedded(offer)) <= limits.EMBEDDED_OFFER
    giver.space.add(offer)
    answer = taker.add(taker.accepting(giver, offer, "s" * 63))
    close = signed(giver.closing(taker, offer, answer), giver.steward)
    assert len(close.data) < limits.ENTRY


# Links


def test_a_link_is_stated_taken_back_and_stated_again(two):
    giver, taker = two
    target = taker.name("anything")
    first = giver.add(giver.link("search", "depends-on", target))
    refused(giver, giver.link("search", "depends-on", target), InvalidStatement, "/present")
    refused(
        giver, giver.link("search", "depends-on", target, previous=None, text="x"), StaleRevision, "/previous"
    )
    refused(
        giver, giver.link("search", "blocks", target, previous=first.identity), StaleRevision, "/previous"
    )
    giver.add(giver.link("search", "depends-on", target, present=False))
    refused(giver, giver.link("search", "depends-on", target, present=False), InvalidStatement, "/present")
    giver.add(giver.link("search", "depends-on", target))
    record = giver.space.state.ownership.links["search"]["depends-on", target]
    assert record.statement.present
    assert record.index == giver.size - 1


def test_links_are_of_own_items_to_others(two):
    giver, taker = two
    refused(giver, giver.link("search", "blocks", giver.name("search")), InvalidStatement, "/target")
    refused(giver, giver.link("nothing", "blocks", taker.name("x")), InvalidStatement, "/item")
    gone = giver.link("search", "blocks", taker.name("x"), present=False)
    refused(giver, gone, InvalidStatement, "/present")


def test_links_of_an_item_are_bounded(two, monkeypatch):
    monkeypatch.setattr(limits, "LINKS", 2)
    giver, taker = two
    giver.add(giver.link("search", "blocks", taker.name("a")))
    giver.add(giver.link("search", "blocks", taker.name("b")))
    refused(giver, giver.link("search", "blocks", taker.name("c")), InvalidStatement, "/item")
    giver.add(giver.link("search", "blocks", taker.name("b"), present=False))


def test_a_head_that_somebody_keeps_stays_as_it_was(two):
    giver, taker = two
    giver.add(giver.link("search", "blocks", taker.name("a")))
    kept = giver.space.state.ownership.links["search"]
    giver.add(giver.link("search", "blocks", taker.name("b")))
    assert len(kept) == 1

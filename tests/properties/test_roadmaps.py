"""Moves of items in any order and by anybody: one home at most, and one map whoever looks."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.cycles import cycles
from federation.roadmap_sources import read_sources
from federation.roadmaps import merge
from governance.errors import NotHome, Refused
from tests.support.joint import NOW
from tests.support.roadmaps import Planner

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "accept", "decline", "close", "revise", "link", "unlink", "fork"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 5),
    ),
    max_size=25,
)


class Town:
    """Three communities; `lineage` are the places an item may have its home at, by the name it began with."""

    def __init__(self) -> None:
        self.planners = [Planner(n) for n in range(3)]
        for planner in self.planners:
            planner.plan("a")
        self.offers: list = []
        self.answers: list = []
        self.places = {p.name("a"): {(n, "a")} for n, p in enumerate(self.planners)}
        self.began = {p.name("a"): p.name("a") for p in self.planners}

    def do(self, what: str, who: int, other: int, pick: int) -> None:
        one, two = self.planners[who], self.planners[other]
        items = sorted(one.space.state.items)
        item = items[pick % len(items)]
        if what == "offer":
            self.offers.append((who, other, one.offer(item, two)))
        elif what == "revise":
            one.plan(item)
        elif what == "link":
            one.add(one.link(item, "depends-on", two.name("a")))
        elif what == "unlink":
            one.add(one.link(item, "depends-on", two.name("a"), present=False))
        elif what == "fork":
            self.planners[who] = one.fork()
        elif what == "close" and self.answers:
            giver, taker, offer, answer = self.answers[pick % len(self.answers)]
            self.planners[giver].add(self.planners[giver].closing(self.planners[taker], offer, answer))
        elif self.offers:
            self._answer(what, *self.offers[pick % len(self.offers)], pick)

    def _answer(self, what: str, giver: int, taker: int, offer, pick: int) -> None:
        one, two = self.planners[giver], self.planners[taker]
        if what == "decline":
            self.answers.append((giver, taker, offer, two.add(two.declining(offer))))
            return
        name = f"n{pick}"
        answer = two.add(two.accepting(one, offer, name))
        self.answers.append((giver, taker, offer, answer))
        two.plan(name)
        began = self.began[one.name(offer.statement.item)]
        self.began[two.name(name)] = began
        self.places[began].add((taker, name))

    def homes(self, began: str) -> list[tuple[int, str]]:
        """Where the item could be revised now."""
        return [place for place in sorted(self.places[began]) if self._may(*place)]

    def _may(self, who: int, item: str) -> bool:
        try:
            self.planners[who].space.state.ownership.require_home(item)
        except NotHome:
            return False
        return True


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_no_two_logs_may_ever_revise_one_item(steps):
    town = Town()
    for step in steps:
        with suppress(Refused, ValueError):
            town.do(*step)
        for began in town.places:
            assert len(town.homes(began)) <= 1
    found = merge(read_sources([p.followed() for p in town.planners]), NOW)
    assert found.conflicts == []
    # Each item of the beginning is on the map once, whatever its name is now.
    assert len(found.items) == 3
    for item in found.items:
        (began,) = {town.began[item.name], *(town.began[f.name] for f in item.history)}
        assert set(town.homes(began)) <= {(n, item.name.rpartition("/")[2]) for n in range(3)}


@settings(deadline=None, max_examples=40)
@given(STEPS, STEPS, st.integers(0, 2), st.randoms(use_true_random=False))
def test_the_map_does_not_depend_on_the_order_of_its_sources(honest, lies, liar, chance):
    town = Town()
    for step in honest:
        with suppress(Refused, ValueError):
            town.do(*step)
    # From here on one community lives in two histories at once.
    split = town.planners[liar]
    town.planners[liar] = split.fork()
    for step in lies:
        with suppress(Refused, ValueError):
            town.do(*step)
    views = read_sources([p.followed() for p in (*town.planners, split)])
    found = merge(views, NOW)
    chance.shuffle(views)
    assert merge(views, NOW) == found
    assert [i.name for i in found.items] == sorted({i.name for i in found.items})
    disputed = {name for conflict in found.conflicts for name in conflict.items}
    shown = {item.name for item in found.items}
    for item in found.items:
        # Nothing is shown twice unless somebody's claim is disputed.
        assert not shown & {former.name for former in item.history}
        assert ("conflict" in item.marks) == (item.name in disputed)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_circles_are_the_nodes_that_reach_themselves(edges):
    reach = {node: set(edges.get(node, ())) for node in "abcdef"}
    for _ in range(6):
        reach = {n: to | {x for t in to for x in reach[t]} for n, to in reach.items()}
    groups = {tuple(sorted(m for m in "abcdef" if m in reach[n] and n in reach[m])) for n in "abcdef"}
    expected = sorted(list(group) for group in groups if len(group) > 1)
    assert cycles(edges) == expected
    assert all(x < y for x, y in pairwise(expected))

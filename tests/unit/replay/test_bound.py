"""What was signed for a space of that name at another instance counts for nothing here."""

from __future__ import annotations

import msgspec
import pytest

from governance.errors import InvalidStatement
from governance.replay.space import SpaceState
from governance.statements.base import KINDS, BoundStatement, Digest, Statement
from governance.statements.delegation import Delegation
from governance.statements.entry import Entry
from governance.statements.roadmap import RoadmapEdition, RoadmapItem
from governance.statements.roadmap_links import ItemLink
from tests.support.world import BASE, NOW, Log, World, key, signed

ELSEWHERE: Digest = "sha256:" + "e" * 64
NEWCOMER = key(300)
ITEM = RoadmapItem(
    "nix", "oven", 1, None, "Oven", None, None, None, None, "planned", None, None, "", None, NOW
)


def world() -> World:
    return World(delegation_quarters=4)


def bound(made: World, instance: str | None = None) -> World:
    """The same space, whose constitution asks for the instance."""
    old = made.space.state.constitution
    named = msgspec.structs.replace(
        old.statement,
        revision=2,
        previous=old.digest,
        instance=instance or made.instance.state.document.id,
    )
    made.space.add(signed(named, made.steward))
    return made


def statements(made: World) -> dict[str, tuple[Statement, ...]]:
    """For each kind a statement of a person that the space would take, and who signs it."""
    alice, ben = made.voters[:2]
    constitution = made.space.state.constitution
    again = msgspec.structs.replace(
        constitution.statement, revision=constitution.statement.revision + 1, previous=constitution.digest
    )
    target = f"{made.instance.state.document.id}/nix/pond"
    return {
        "member": (made.enrolment(NEWCOMER), NEWCOMER, made.steward),
        "constitution": (again, made.steward),
        "roadmap-item": (ITEM, made.steward),
        "roadmap-edition": (RoadmapEdition("nix", "2027-Q1", 0, EMPTY, NOW), made.steward),
        "delegation": (
            Delegation("nix", alice.member_id, [ben.member_id], "space", "2027-Q2", 1, NOW),
            alice,
        ),
        "item-link": (ItemLink("nix", "oven", "adopts", target, True, None, "", NOW), made.steward),
    }


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
BOUND = sorted(name for name, kind in KINDS.items() if issubclass(kind, BoundStatement))
TRIED = sorted(statements(world()))


def entry(made: World, kind: str, instance: str | None) -> Entry:
    statement, *keys = statements(made)[kind]
    return signed(msgspec.structs.replace(statement, instance=instance), *keys)


def prepared(made: World, kind: str) -> World:
    """The space with the item that a link stands on."""
    if kind == "item-link":
        home = made.instance.state.document.id
        made.space.add(signed(msgspec.structs.replace(ITEM, instance=home), made.steward))
    return made


def refused(made: World, given: Entry, words: str) -> None:
    size = made.space.state.size
    with pytest.raises(InvalidStatement) as caught:
        made.space.add(given)
    assert (caught.value.pointer, made.space.state.size) == ("/instance", size)
    assert words in caught.value.detail


def test_every_bound_kind_is_tried_here_or_in_test_joint() -> None:
    assert sorted([*TRIED, "joint-acceptance"]) == BOUND


@pytest.mark.parametrize("kind", TRIED)
def test_another_instance_is_refused_in_every_space(kind: str) -> None:
    for made in (world(), bound(world())):
        refused(prepared(made, kind), entry(made, kind, ELSEWHERE), "for another instance")


@pytest.mark.parametrize("kind", TRIED)
def test_none_is_refused_where_the_space_asks_for_it(kind: str) -> None:
    made = prepared(bound(world()), kind)
    refused(made, entry(made, kind, None), made.instance.state.document.id)
    made.space.add(entry(made, kind, made.instance.state.document.id))


@pytest.mark.parametrize("kind", TRIED)
def test_none_is_taken_where_it_does_not(kind: str) -> None:
    made = prepared(world(), kind)
    made.space.add(entry(made, kind, None))
    other = prepared(world(), kind)
    other.space.add(entry(other, kind, other.instance.state.document.id))
    assert other.space.state.bound == (kind == "constitution"), "only the space's own rules ask for it"


def test_a_constitution_of_another_instance_binds_nothing() -> None:
    made = world()
    with pytest.raises(InvalidStatement):
        bound(made, ELSEWHERE)
    assert not made.space.state.bound


def founded(*instances: str | None) -> SpaceState:
    """A space whose founders name these instances; "here" is its own."""
    made = world()
    here = made.instance.state.document.id
    people = [key(50 + n) for n in range(len(instances))]
    founders = [
        made.enrolment(who, ("steward",), instance=here if named == "here" else named)
        for who, named in zip(people, instances, strict=True)
    ]
    founding = msgspec.structs.replace(made.founding(), founders=founders)
    log = Log(SpaceState(f"{BASE}/spaces/nix", made.instance.state.keys))
    log.add(signed(founding, made.operator, *people))
    return log.state


def test_founders_bind_their_space_from_the_start() -> None:
    assert founded("here").bound
    assert founded("here", "here").bound
    assert not founded(None, None).bound


@pytest.mark.parametrize(
    ("instances", "place"),
    [(("here", None), 1), ((None, "here"), 0), ((ELSEWHERE,), 0), (("here", ELSEWHERE), 1)],
)
def test_founders_who_do_not_agree_found_nothing(instances: tuple[str | None, ...], place: int) -> None:
    with pytest.raises(InvalidStatement) as caught:
        founded(*instances)
    assert caught.value.pointer == f"/founders/{place}/instance"


@pytest.mark.parametrize("kind", TRIED)
def test_what_one_space_took_another_one_of_that_name_does_not(kind: str) -> None:
    """The same steward and members, the same short name, another root key."""
    here, there = bound(world()), bound(World(root=9, delegation_quarters=4))
    assert here.instance.state.document.id != there.instance.state.document.id
    prepared(here, kind).space.add(entry(here, kind, here.instance.state.document.id))
    refused(there, here.space.entries[-1], "for another instance")

"""The map of a node: its own roadmaps and those that it copies, from the copies alone; and of a service."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from federation import errands, queue
from federation.followed import followed
from federation.map_keeper import MapKeeper
from federation.node import Node
from federation.tables import peers, seen
from governance.cli.client import typed
from governance.cli.roadmap_links import MapLine
from governance.statements.instance import SpaceNotice
from governance.statements.member import Member
from governance.statements.roadmap import RoadmapItem
from governance.statements.space import Space
from tests.support.fed_nodes import MemoryInstance, MemoryLog
from tests.support.mirrors import Pair, pair
from tests.support.people import recorded
from tests.support.service import running
from tests.support.world import key, public, signed


def keeper_of(node: Node) -> MapKeeper:
    return MapKeeper(lambda: followed(node), node.clock)


def pull(two: Pair) -> None:
    """The errand, done once."""
    with two.us.node.db.read() as conn:
        (errand,) = queue.of_peer(conn, two.peer)
    queue.run(two.us.node, errand, errands.KINDS["pull"])


def found_club(own: MemoryInstance) -> MemoryLog:
    """A real space `club` on an instance in memory, with one item."""
    log = own.new_log("spaces/club")
    now, steward = own.clock(), key(4)
    own.instance_log.append(signed(SpaceNotice("club", log.origin, log.vkey, now), own.service_key).data)
    founder = Member(
        "club", steward.member_id, public(steward), ["steward", "registrar"], "1", "active", None, now
    )
    founding = Space("club", "The club", own.instance, log.origin, [founder], now)
    log.append(signed(founding, own.operator_key, steward).data)
    plan(log, "search", now)
    return log


def plan(log: MemoryLog, item: str, now: int) -> None:
    new = RoadmapItem(
        "club", item, 1, None, item.title(), None, None, None, None, "planned", None, None, "", None, now
    )
    log.append(signed(new, key(4)).data)


def test_the_map_is_made_of_own_files_and_copies():
    two = pair()
    log = found_club(two.them.own)
    keeper = keeper_of(two.us.node)
    them = f"{two.peer}/club/search"
    assert them not in {item.name for item in keeper.current().map.items}
    two.pull()
    two.later()
    found = keeper.current().map
    (item,) = [item for item in found.items if item.name == them]
    assert (item.home.instance_name, item.home.title) == ("them.example", "The club")
    # The original is not asked: it may be gone.
    two.faults.update(dict.fromkeys(two.files(), None))
    assert [i.name for i in keeper_of(two.us.node).current().map.items] == [them]
    assert item.provenance is not None
    assert item.provenance.size == log.size
    # This test pulls by hand, so no errand is recorded.
    assert item.marks == ["stale"]


def test_marks_come_from_what_the_node_knows():
    two = pair()
    log = found_club(two.them.own)
    pulled = two.clock.now
    queue.plan(two.us.node, {two.peer: {"pull"}})
    pull(two)
    two.later(90_000)
    two.network.drop = lambda _sender, host: host == two.them.own.host
    # A greeting of theirs is a contact, and says nothing about their logs.
    with two.us.node.db.write() as conn:
        conn.execute(sa.update(peers).where(peers.c.id == two.peer).values(contact_at=two.clock.now))
    pull(two)
    _, theirs = followed(two.us.node)
    assert (theirs.instance, theirs.checked_at) == (two.peer, pulled)
    assert (theirs.behind, theirs.frozen) == (frozenset(), frozenset())
    with two.us.node.db.write() as conn:
        chosen = sa.update(seen).where(seen.c.origin == log.origin)
        conn.execute(chosen.values(size=log.size + 1, frozen="sha256:" + "0" * 64))
    _, theirs = followed(two.us.node)
    assert theirs.behind == theirs.frozen == {log.origin}
    (item,) = keeper_of(two.us.node).current().map.items
    assert item.marks == ["frozen", "stale"]


def test_a_service_shows_its_own_roadmap_on_the_map(tmp_path):
    with running(tmp_path / "data") as live:
        town, client = live.community, live.client
        name = f"{town.instance}/nix/search"
        assert client.get("/api/v1/map").json()["items"] == []
        recorded(town.post("/roadmap", town.item(title="<b>Search</b>"), town.steward))
        live.clock.now += 10
        (item,) = client.get("/api/v1/map").json()["items"]
        assert (item["name"], item["marks"]) == (name, [])
        # As `althing roadmap map` reads it.
        line = typed(msgspec.json.encode(item), MapLine)
        assert (line.title, line.home.space, line.status) == ("<b>Search</b>", "nix", "proposed")
        page = client.get("/map")
        assert "&lt;b&gt;Search" in page.text
        assert client.get("/map.atom").status_code == 200
        answer = client.get("/api/v1/map", params={"status": "dreamt"})
        assert answer.json()["code"] == "malformed-request"
        assert "/api/v1/map" in client.get("/api/openapi.json").json()["paths"]

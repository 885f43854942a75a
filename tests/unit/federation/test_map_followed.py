"""The map of a node: its own roadmaps and those that it copies, from the copies alone; and of a service."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from federation.map_controllers import map_controllers
from federation.map_followed import followed, keeper_of
from federation.map_keeper import MapKeeper
from federation.own import StoreFiles
from federation.roadmap_sources import Followed
from federation.tables import errands, seen
from governance.cli.client import typed
from governance.cli.roadmap_links import MapLine
from governance.hooks import hookimpl
from governance.statements.instance import SpaceNotice
from governance.statements.member import Member
from governance.statements.roadmap import RoadmapItem
from governance.statements.space import Space
from tests.support.fed_nodes import MemoryInstance, MemoryLog
from tests.support.mirrors import pair
from tests.support.people import recorded
from tests.support.service import running
from tests.support.world import key, public, signed


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
    # Nobody has recorded a pull here, so nothing is known about how fresh it is.
    assert item.marks == ["stale"]


def test_marks_come_from_what_the_node_knows():
    two = pair()
    log = found_club(two.them.own)
    two.pull()
    with two.us.node.db.write() as conn:
        conn.execute(sa.delete(errands).where(errands.c.peer == two.peer))
        done = {"due_at": 0, "attempts": 0, "error": "", "woken": 0, "last_ok": two.clock.now}
        conn.execute(sa.insert(errands).values(peer=two.peer, kind="pull", **done))
    _, theirs = followed(two.us.node)
    assert (theirs.instance, theirs.checked_at) == (two.peer, two.clock.now)
    assert (theirs.behind, theirs.frozen) == (frozenset(), frozenset())
    with two.us.node.db.write() as conn:
        chosen = sa.update(seen).where(seen.c.origin == log.origin)
        conn.execute(chosen.values(size=log.size + 1, frozen="sha256:" + "0" * 64))
    _, theirs = followed(two.us.node)
    assert theirs.behind == theirs.frozen == {log.origin}
    (item,) = keeper_of(two.us.node).current().map.items
    assert item.marks == ["frozen", "stale"]


class MapPlugin:
    """Serves the map of one service by the public hook."""

    @hookimpl
    def routes(self, service):
        keeper = MapKeeper(
            lambda: [Followed(service.instance.keys.instance, StoreFiles(service), service.clock())],
            service.clock,
        )
        return map_controllers(keeper, lambda: service.base_url, lambda: "Own")


def test_a_service_shows_its_own_roadmap_on_the_map(tmp_path):
    with running(tmp_path / "data", plugins=(MapPlugin(),)) as live:
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

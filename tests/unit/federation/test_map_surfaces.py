"""The map as JSON, page, feed and events: filters, pages, caching, and titles that want to be code."""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from xml.etree import ElementTree as Xml

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from federation import map_controllers
from federation.map_atom import atom
from federation.map_controllers import stream
from federation.map_keeper import EVERY, MapKeeper
from federation.map_page import render
from federation.map_query import Wanted, page_of_map
from governance.http.problems import HANDLERS
from governance.service.pages import page_of
from tests.support.joint import NOW
from tests.support.roadmaps import Planner, item_of, map_of

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = [
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "]]>&lt;&amp;<!--",
    "javascript:alert(1)",
    "\u202eright to left\u2066",
    "a\0b\x1bc\ufffe",
]


class Place:
    """Three communities behind a keeper whose clock the test moves."""

    def __init__(self) -> None:
        self.planners = [Planner(n) for n in range(3)]
        for planner in self.planners:
            planner.plan("search", "index")
        self.now = NOW
        self.asked = 0
        self.keeper = MapKeeper(self.followed, lambda: self.now)

    def followed(self):
        self.asked += 1
        return [planner.followed(self.now) for planner in self.planners]

    def later(self, seconds: int = EVERY):
        self.now += seconds
        return self.keeper.current()


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def client(place):
    found = map_controllers.map_controllers(place.keeper, lambda: "https://own.example", lambda: "Own")
    own = State({"base_url": "https://own.example"})
    with TestClient(Litestar(found, exception_handlers=HANDLERS, state=own)) as client:
        yield client


# JSON


def test_pages_hold_every_item_once(place, client):
    seen, cursor = [], None
    while True:
        query = {"limit": 4} | ({} if cursor is None else {"cursor": cursor})
        answer = client.get("/api/v1/map", params=query).json()
        assert answer["total"] == 6
        seen += [item["name"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == sorted(p.name(i) for p in place.planners for i in ("search", "index"))
    assert client.get("/api/v1/map", params={"cursor": "?"}).status_code == 400


def test_filters(place, client):
    one, two, _ = place.planners
    one.plan("search", title="Find ANY thing", quarter="2028-Q2", status="done")
    place.now += EVERY

    def names(**query):
        return [item["name"] for item in client.get("/api/v1/map", params=query).json()["items"]]

    assert names(quarter="2028-Q2") == names(status="done") == names(q="any find") == [one.name("search")]
    assert names(space=f"{two.instance_id}/club") == sorted([two.name("search"), two.name("index")])
    assert len(names(space="club", quarter="", status="", q="")) == 6
    assert names(q="nothing like it") == []
    assert client.get("/api/v1/map", params={"quarter": "soon"}).status_code == 400


def test_what_has_not_changed_is_not_sent_again(place, client):
    first = client.get("/api/v1/map")
    tag = first.headers["etag"]
    again = client.get("/api/v1/map", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    place.now += EVERY
    assert client.get("/api/v1/map", headers={"if-none-match": f'"x", {tag}'}).status_code == 304
    assert client.get("/map.atom", headers={"if-none-match": tag}).status_code == 304
    place.planners[0].plan("third")
    place.now += EVERY
    changed = client.get("/api/v1/map", headers={"if-none-match": tag})
    assert (changed.status_code, len(changed.json()["items"])) == (200, 7)


def test_sources_are_read_again_after_a_few_seconds_only(place):
    for _ in range(5):
        place.keeper.current()
    assert place.asked == 1
    place.later()
    assert place.asked == 2


def test_versions_tell_what_changed_since(place):
    first = place.keeper.current()
    place.planners[0].plan("third")
    second = place.later()
    place.planners[1].plan("search")
    third = place.later()
    one, two, _ = place.planners
    assert place.keeper.changed(first.version, second) == [one.name("third")]
    assert place.keeper.changed(first.version, third) == sorted([one.name("third"), two.name("search")])
    assert place.keeper.changed(third.version, third) == []
    assert place.keeper.changed("0" * 32, third) is None


# Events


def test_a_stream_resumes_by_version(place, monkeypatch):
    monkeypatch.setattr(map_controllers, "POLL", 0.01)
    first = place.keeper.current().version

    async def next_of(events):
        return json.loads((await anext(events)).data)

    async def scenario():
        fresh, resumed = stream(place.keeper, None), stream(place.keeper, first)
        begun = await next_of(fresh)
        assert (begun["version"], begun["items"], begun["changed"]) == (first, 6, None)
        waiting = asyncio.ensure_future(next_of(resumed))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        place.planners[0].plan("third")
        place.now += EVERY
        told = await asyncio.wait_for(waiting, 5)
        assert told["changed"] == [place.planners[0].name("third")]
        assert (await next_of(fresh))["version"] == told["version"]
        unknown = await next_of(stream(place.keeper, "0" * 32))
        assert (unknown["version"], unknown["changed"]) == (told["version"], None)

    asyncio.run(scenario())


# People


class Strict(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def read_page(text: str) -> Strict:
    parser = Strict()
    parser.feed(text)
    parser.close()
    return parser


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_text_is_only_text(place, client, title):
    one, two, _ = place.planners
    one.plan("search", title=title, details=title, product=title[:200])
    one.add(one.link("search", "blocks", two.name("nothing"), text=title))
    two.add(two.link("index", "depends-on", one.name("search")))
    place.now += EVERY
    answer = client.get("/map", params={"q": title.split()[0]} if "\0" not in title else {})
    assert answer.status_code == 200
    page = read_page(answer.text)
    assert not page.tags & {"script", "img", "svg", "iframe", "object"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [v for name, v in page.attributes if name in {"href", "src"} and "javascript" in (v or "")]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    feed = Xml.fromstring(client.get("/map.atom").content)
    shown = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    clean = title.replace("\0", "\ufffd").replace("\x1b", "\ufffd").replace("\ufffe", "\ufffd")
    assert clean in shown


def test_the_page_asks_nobody_else_for_anything(place, client):
    page = read_page(client.get("/map").text)
    assert "link" in page.tags  # the feed, relative
    loaded = [value for name, value in page.attributes if name in {"src", "action"} or name == "srcset"]
    assert loaded == ["map"]
    hrefs = [value for name, value in page.attributes if name == "href"]
    outside = {value for value in hrefs if value and "//" in value}
    assert outside == {p.base_url for p in place.planners}


def test_the_page_shows_homes_links_marks_and_contradictions():
    planners = [Planner(n) for n in range(3)]
    one, two, other = planners
    for planner in planners:
        planner.plan("search")
    one.add(one.link("search", "depends-on", two.name("search")))
    two.add(two.link("search", "depends-on", one.name("search")))
    split = other.fork()
    one.add(
        one.closing(split, offer := one.offer("search", other), split.add(split.accepting(one, offer, "x")))
    )
    other.plan("more", "even-more")
    keeper = MapKeeper(lambda: [p.followed() for p in planners], lambda: NOW)
    text = render(page_of_map(keeper.current(), Wanted(), page_of(None, 100)), Wanted(), "Own")
    for part in (
        "Contradictory claims",
        "These wait for each other",
        "conflict",
        "Club 1",
        "2027-Q1",
        "needs",
    ):
        assert part in text


def test_a_long_map_goes_on_on_further_pages(place, client, monkeypatch):
    monkeypatch.setattr(map_controllers, "SHOWN", 4)
    first = read_page(client.get("/map", params={"space": "club"}).text)
    (further,) = [v for n, v in first.attributes if n == "href" and v and v.startswith("map?")]
    second = read_page(client.get(f"/{further}").text)
    ids = [v for page in (first, second) for n, v in page.attributes if n == "id"]
    assert len(ids) == len(set(ids)) == 6


# Atom


def test_the_feed_is_newest_first_and_complete(place, client):
    one, two, _ = place.planners
    one.move("search", two, "finding")
    two.plan("finding", revised_at=NOW + 900)
    two.add(two.link("finding", "adopts", one.name("index"), linked_at=NOW + 800))
    place.now += 1_000
    answer = client.get("/map.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = Xml.fromstring(answer.content)
    entries = list(feed.iter(f"{ATOM}entry"))
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert titles[:3] == ["Finding", "Finding: adopts Index", "Finding: moved"]
    dates = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == dates[0]
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids) == 8
    for entry in (feed, *entries):
        assert {child.tag.removeprefix(ATOM) for child in entry} >= {"id", "title", "updated", "link"}
    assert all(entry.findtext(f"{ATOM}author/{ATOM}name") for entry in entries)
    few = Xml.fromstring(client.get("/map.atom", params={"q": "adopts nothing"}).content)
    assert list(few.iter(f"{ATOM}entry")) == []


def test_nobody_dates_an_entry_into_the_future():
    one = Planner(0)
    one.plan("search", revised_at=253_402_300_799)
    feed = Xml.fromstring(atom(map_of(one).items, "https://own.example", "Own", NOW))
    assert feed.findtext(f"{ATOM}entry/{ATOM}updated") == "2026-09-21T14:13:20Z"


ITEM = Planner(0)
ITEM.plan("search")


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_makes_a_feed_that_can_be_read(title, details):
    item = item_of(map_of(ITEM), ITEM.name("search"))
    item = msgspec.structs.replace(item, title=title, details=details)
    Xml.fromstring(atom([item], "https://own.example", title, NOW))

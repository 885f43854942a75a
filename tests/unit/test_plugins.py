"""Hooks: who may veto, who may only observe, and what a plugin must not do."""

import threading

import pytest

from governance import plugins
from governance.counting import registry
from governance.errors import SetupFault, Vetoed
from governance.hooks import Hooks, hookimpl
from governance.plugins import load_plugins
from governance.service import lifecycle
from governance.signing import suites
from tests.support.people import key, recorded
from tests.support.service import running


def hook_names():
    return [name for name in vars(Hooks) if not name.startswith("_")]


def test_every_hook_is_documented_in_one_line():
    for name in hook_names():
        text = getattr(Hooks, name).__doc__
        assert text, name
        assert "\n" not in text.strip(), name


def test_built_ins_come_through_the_same_hooks():
    manager = load_plugins()
    rules = [rule for found in manager.hook.counting_rules() for rule in found]
    assert {(r.id, r.version) for r in rules} <= set(registry.RULES)
    assert {"ed25519", "sshsig", "hybrid"} <= {s.name for f in manager.hook.signature_suites() for s in f}


def test_a_misspelt_hook_is_refused():
    class Misspelt:
        @hookimpl
        def counting_rulez(self):
            return ()

    with pytest.raises(SetupFault, match="counting_rulez"):
        load_plugins(Misspelt())


def test_a_taken_name_is_refused():
    taken = next(iter(registry.RULES.values()))

    class Copy:
        @hookimpl
        def counting_rules(self):
            return (type(taken)(),)

    with pytest.raises(SetupFault):
        load_plugins(Copy())

    class Impostor:
        name = "ed25519"

    class Suites:
        @hookimpl
        def signature_suites(self):
            return (Impostor(),)

    with pytest.raises(SetupFault):
        load_plugins(Suites())
    assert suites.get("ed25519") in plugins._SUITES


class Picky:
    """Refuses votes for b, and fails on c."""

    @hookimpl
    def before_record(self, statement, now):
        answers = getattr(statement, "answers", {"q": []})
        if answers.get("q") == ["b"]:
            raise Vetoed("not b")
        if answers.get("q") == ["c"]:
            raise ZeroDivisionError


def test_a_veto_refuses_and_stores_nothing(tmp_path):
    with running(tmp_path / "data", plugins=(Picky(),)) as started:
        community = started.community
        community.open()
        refused = community.cast(key(100), ["b"])
        assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
            422,
            "vetoed",
            "not b",
        )
        failed = community.cast(key(100), ["c"])
        assert (failed.status_code, failed.json()["code"]) == (422, "vetoed")
        assert recorded(community.cast(key(100), ["a"])).json()["index"] == 3


class Watcher:
    """Hears of everything, and fails every time."""

    def __init__(self):
        self.heard = []
        self.done = threading.Event()

    @hookimpl
    def after_record(self, origin, index, statement):
        self.heard.append((origin.rpartition("/")[2], index, statement.KIND))
        if statement.KIND == "vote":
            self.done.set()
        raise RuntimeError("observers may fail")

    @hookimpl
    def notifiers(self):
        def tell(event):
            self.heard.append((event.kind, event.space, event.ballot))
            raise RuntimeError("notifiers may fail")

        return (tell,)


def test_observers_hear_and_cannot_disturb(tmp_path):
    watcher = Watcher()
    with running(tmp_path / "data", plugins=(watcher,)) as started:
        community = started.community
        community.open()
        recorded(community.cast(key(100), ["a"]))
        assert watcher.done.wait(10)
        lifecycle.tick(started.service, started.clock.now + 86_400)
    assert ("nix", 0, "space") in watcher.heard
    assert ("q1", 3, "vote") in watcher.heard
    assert [kind for kind, space, ballot in watcher.heard if (space, ballot) == ("nix", "q1")] == [
        "opened",
        "closed",
        "decided",
    ]


class More:
    """Adds a route and a job."""

    def __init__(self):
        self.ran = threading.Event()

    @hookimpl
    def routes(self, service):
        from litestar import get

        @get("/hello", sync_to_thread=False)
        def hello() -> str:
            return service.base_url

        return (hello,)

    @hookimpl
    def background_jobs(self):
        from governance.hooks import Job

        return (Job("tell", 0.01, self.ran.set),)


def test_routes_and_jobs_join_in(tmp_path):
    more = More()
    with running(tmp_path / "data", found=False, plugins=(more,)) as started:
        assert started.client.get("/hello").text == "http://127.0.0.1:8000"
        assert "/hello" in started.client.get("/api/openapi.json").text
        assert more.ran.wait(10)

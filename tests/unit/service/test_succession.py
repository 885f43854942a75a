"""A log whose key was stolen goes on under another origin, in the middle of what it was doing."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from governance.audit.run import audit
from governance.errors import GovernanceError, Refused
from governance.fetch.directory import Directory
from governance.replay.space import SpaceState
from governance.service import lifecycle, publishing, succession
from governance.service.instance import key_of
from governance.store import entries, rebuild
from tests.support.people import key, recorded
from tests.support.service import running

BALLOT = "127.0.0.1:8000/spaces/nix/ballots/q1"
SPACE = "127.0.0.1:8000/spaces/nix"
PATH = "/api/v1/spaces/nix/ballots/q1"


def succeed(started, origin, size=None):
    """The log goes on from that size, or from all it has."""
    service = started.service
    if size is None:
        with service.store.read() as conn:
            size = entries.head_at(conn, origin).size
    root = key_of(service.data_dir, "root", create=False)
    return succession.succeed(service, origin, size, "the key was stolen", root)


def audited(started, folder):
    """The verdict on all public files as they are now."""
    publishing.export(started.service.store, folder)
    return audit(Directory(folder))


def opened(started):
    """A ballot that is open, with the votes of two of three members; gives their answers."""
    community = started.community
    community.open()
    return [recorded(community.cast(key(100 + n), ["a"])).json() for n in range(2)]


def decide(started):
    started.clock.now += 10 * 86_400
    lifecycle.tick(started.service, started.clock.now)
    return started.client.get(PATH).json()


def of(verdict, log, name="succession"):
    return [check for check in verdict.checks if (check.log, check.name) == (log, name)]


def test_a_ballot_goes_on_and_is_counted(live, tmp_path):
    opened(live)
    new = succeed(live, BALLOT)
    assert (new.origin, new.successor) == (BALLOT, f"{BALLOT}.2")
    sent = recorded(live.community.cast(key(102), ["b"])).json()
    assert sent["vkey"] == new.vkey
    seen = decide(live)
    assert (seen["state"], seen["votes"], seen["voters"], seen["origin"]) == ("decided", 3, 3, new.successor)
    assert seen["winners"] == {"q": ["a"]}
    verdict = audited(live, tmp_path / "public")
    assert verdict.passed, verdict.failures
    assert of(verdict, BALLOT)[0].numbers == {"entries": new.size, "dropped": 0}
    assert of(verdict, f"{BALLOT}.2")[0].status == "passed"
    assert rebuild.check(live.service.store) == []

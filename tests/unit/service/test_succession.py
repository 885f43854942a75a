"""A log whose key was stolen goes on under another origin, in the middle of what it was doing."""

from __future__ import annotations

import pytest

from governance.audit.run import audit
from governance.errors import Refused
from governance.fetch.directory import Directory
from governance.replay.space import SpaceState
from governance.service import lifecycle, publishing, succession
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
    root = service.data_dir / "keys" / "root"
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


def test_votes_that_are_cut_away_do_not_count_and_can_be_cast_again(live, tmp_path):
    votes = opened(live)
    succeed(live, BALLOT, votes[1]["index"])
    lifecycle.tick(live.service, live.clock.now)
    seen = live.client.get(PATH).json()
    assert (seen["votes"], seen["voters"]) == (1, 1)
    again = recorded(live.community.cast(key(101), ["c"])).json()
    assert (again["index"], again["replaces"]) == (votes[1]["index"], None)
    assert decide(live)["votes"] == 2
    verdict = audited(live, tmp_path / "public")
    assert verdict.passed, verdict.failures
    (told,) = of(verdict, BALLOT)
    assert told.numbers == {"entries": votes[1]["index"], "dropped": 1}
    assert "1 entries from 4 on do not count" in told.detail
    assert rebuild.check(live.service.store) == []


def test_a_space_goes_on_with_its_open_ballot_and_new_ones(live, tmp_path):
    opened(live)
    new = succeed(live, SPACE)
    recorded(live.community.cast(key(102), ["b"]))
    live.community.enrol(key(103))
    live.community.open(live.community.definition("q2"))
    recorded(live.community.cast(key(103), ["c"], "q2"))
    assert decide(live)["votes"] == 3
    seen = live.client.get(live.community.url).json()
    assert (seen["origin"], seen["vkey"]) == (new.successor, new.vkey)
    assert live.client.get(PATH).json()["origin"] == BALLOT
    verdict = audited(live, tmp_path / "public")
    assert verdict.passed, verdict.failures
    assert of(verdict, SPACE)[0].numbers == {"entries": new.size, "dropped": 0}
    assert rebuild.check(live.service.store) == []


def test_a_successor_has_a_successor_and_all_of_them_start_again(tmp_path):
    with running(tmp_path / "data") as first:
        votes = opened(first)
        succeed(first, SPACE)
        succeed(first, BALLOT)
        recorded(first.community.cast(key(102), ["b"]))
        clock, community = first.clock, first.community
    with running(tmp_path / "data", found=False, clock=clock) as again:
        community.client = again.client
        again.community = community
        assert succeed(again, f"{BALLOT}.2", votes[1]["index"]).successor == f"{BALLOT}.3"
        succeed(again, f"{SPACE}.2")
        recorded(community.cast(key(101), ["b"]))
        assert decide(again)["votes"] == 2
        verdict = audited(again, tmp_path / "public")
        assert verdict.passed, verdict.failures
        assert [of(verdict, f"{BALLOT}{part}")[0].numbers.get("dropped") for part in ("", ".2")] == [0, 2]
        assert of(verdict, f"{SPACE}.3")[0].status == "passed"


def test_states_in_memory_are_those_of_the_new_log(lite):
    community = lite.community
    with lite.service.store.read() as conn:
        size = entries.head(conn, SPACE).size
    community.enrol(key(103))
    succeed(lite, SPACE, size)
    state = lite.service.states.get(SPACE, SpaceState)
    assert key(103).member_id not in state.members
    community.enrol(key(103))
    assert lite.service.states.get(SPACE, SpaceState).members[key(103).member_id].index == size


@pytest.mark.parametrize(
    ("origin", "size", "why"),
    [
        (BALLOT, 0, "at least the first"),
        (BALLOT, 99, "has 5 entries"),
        (BALLOT, 2, "with its opening"),
        (f"{BALLOT}.2", 3, "there is no log"),
        (SPACE, 5, "q1 was opened after entry 4"),
        ("127.0.0.1:8000/instance", 1, "an instance's own log"),
    ],
)
def test_what_is_refused_changes_nothing(lite, origin, size, why):
    opened(lite)
    with pytest.raises(Refused, match=why):
        succeed(lite, origin, size)
    recorded(lite.community.cast(key(102), ["b"]))
    with lite.service.store.read() as conn:
        assert [head.origin for head in entries.heads(conn, burnt=True)][-1] == BALLOT


def test_a_burnt_log_burns_once(lite):
    opened(lite)
    succeed(lite, BALLOT)
    with pytest.raises(Refused, match=r"goes on as .*q1\.2 already"):
        succeed(lite, BALLOT)


def test_an_announced_outcome_stays(lite):
    votes = opened(lite)
    decide(lite)
    with pytest.raises(Refused, match="announced the outcome"):
        succeed(lite, BALLOT, votes[1]["index"])
    with lite.service.store.read() as conn:
        size = entries.head(conn, SPACE).size
    with pytest.raises(Refused, match="outcome of q1 was announced"):
        succeed(lite, SPACE, size - 1)


def test_only_the_root_key_says_so(lite):
    opened(lite)
    service = lite.service
    with pytest.raises(Refused, match="no signature by"):
        succession.succeed(service, BALLOT, 3, "", service.data_dir / "keys" / "service")
    assert lite.client.get(PATH).json()["votes"] == 2

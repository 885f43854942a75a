"""Burnt logs in an audit: what was cut away is told, and no other entries pass for the ones that count."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from governance.audit.run import audit
from governance.audit.verdict import Verdict
from governance.fetch.directory import Directory
from governance.service import publishing, succession
from governance.service.instance import key_of, signed
from governance.service.log_keys import LogKeys
from governance.statements.instance import LogSuccessor
from governance.store import entries
from tests.support.fed_nodes import MemoryLog
from tests.support.mirrors import public_log
from tests.support.people import key, recorded
from tests.support.service import Running, running

BASE = "127.0.0.1:8000"
BALLOT = f"{BASE}/spaces/nix/ballots/q1"


@dataclass
class Burnt:
    """A ballot that went on from `size` entries, one less than it had, and has another vote since."""

    started: Running
    folder: Path
    size: int

    def entries(self, origin: str) -> list[bytes]:
        store = self.started.service.store
        with store.read() as conn:
            head = entries.head_at(conn, origin)
        return list(entries.stream_entries(store, head.id, 0, head.size))

    def shows(self, origin: str, log: Sequence[bytes]) -> None:
        """The files of a log are those of other entries, under its own key."""
        seed = b64decode(json.loads(LogKeys(self.started.data).path(origin).read_bytes())["seed"])
        forged = MemoryLog(origin, seed)
        forged.append(*log)
        place = f"logs{origin.removeprefix(BASE)}"
        for part in ("tile", "checkpoint", "cosigned"):
            shutil.rmtree(self.folder / place / part, ignore_errors=True)
            (self.folder / place / part).unlink(missing_ok=True)
        for path, data in public_log(forged, place).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)

    def verdict(self) -> Verdict:
        return audit(Directory(self.folder))


@pytest.fixture
def burnt(tmp_path: Path) -> Iterator[Burnt]:
    with running(tmp_path / "data") as started:
        community = started.community
        community.open()
        for n in range(2):
            size = recorded(community.cast(key(100 + n), ["a"])).json()["index"]
        succession.succeed(started.service, BALLOT, size, "stolen", started.data / "keys" / "root")
        recorded(community.cast(key(102), ["b"]))
        publishing.export(started.service.store, tmp_path / "public")
        yield Burnt(started, tmp_path / "public", size)


def failed(verdict: Verdict) -> set[tuple[str, str]]:
    return {(check.log.removeprefix(BASE), check.name) for check in verdict.failures}


def test_what_was_cut_away_can_be_seen(burnt: Burnt) -> None:
    verdict = burnt.verdict()
    assert verdict.passed, verdict.failures
    told = {c.log: c for c in verdict.checks if c.name == "succession"}
    assert told[BALLOT].numbers == {"entries": burnt.size, "dropped": 1}
    assert f"burnt (stolen); goes on as {BALLOT}.2" in told[BALLOT].detail
    assert told[f"{BALLOT}.2"].detail == f"goes on from entry {burnt.size} of {BALLOT}"


@pytest.mark.parametrize(
    ("origin", "forge"),
    [
        (f"{BALLOT}.2", lambda log: [*log[:-2], log[-1]]),
        (f"{BALLOT}.2", lambda log: log[:-2]),
        (BALLOT, lambda log: [*log[:-2], log[-1]]),
    ],
)
def test_other_entries_than_those_that_count(
    burnt: Burnt, origin: str, forge: Callable[[list[bytes]], list[bytes]]
) -> None:
    burnt.shows(origin, forge(burnt.entries(origin)))
    assert (origin.removeprefix(BASE), "succession") in failed(burnt.verdict())


def test_a_burnt_log_that_is_hidden(burnt: Burnt) -> None:
    shutil.rmtree(burnt.folder / "logs/spaces/nix/ballots/q1")
    assert failed(burnt.verdict()) == {("/spaces/nix/ballots/q1", "log key")}


def test_a_burnt_log_may_be_shown_in_part(burnt: Burnt) -> None:
    burnt.shows(BALLOT, burnt.entries(BALLOT)[: burnt.size - 1])
    verdict = burnt.verdict()
    assert verdict.passed
    (told,) = [c for c in verdict.checks if (c.log, c.name) == (BALLOT, "succession")]
    assert told.status == "skipped"
    assert f"1 entries from {burnt.size} on do not count" in told.detail
    assert f"shows {burnt.size - 1} of {burnt.size + 1}" in told.detail


def test_a_succession_that_the_root_key_did_not_sign(burnt: Burnt) -> None:
    """The thief of the instance's log key and service key still lacks the root key."""
    origin = f"{BASE}/instance"
    log = burnt.entries(origin)
    vkey = str(LogKeys(burnt.folder).create(f"{BALLOT}.3").key)
    forged = LogSuccessor(f"{BALLOT}.2", 3, "00" * 32, 3, f"{BALLOT}.3", vkey, "", 0)
    by = key_of(burnt.started.data, "service", create=False)
    burnt.shows(origin, [*log, signed(forged, by).data])
    shutil.rmtree(burnt.folder / "keys")
    assert failed(burnt.verdict()) == {("/instance", "signatures")}
    by = key_of(burnt.started.data, "root", create=False)
    wrong = msgspec.structs.replace(forged, successor=f"{BALLOT}.4")
    burnt.shows(origin, [*log, signed(wrong, by).data])
    assert failed(burnt.verdict()) == {("/instance", "records")}

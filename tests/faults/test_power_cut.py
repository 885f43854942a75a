"""A power cut leaves what had reached the disk; copies of a stopped server's files stand for it.

A commit is in the -wal file and synced before anybody is answered. What was being appended there when the
power went may be cut anywhere, or end in rubbish.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.clients import Voter
from tests.support.community import SPACE, Community, community, serving
from tests.support.inspection import Acknowledged, inspect
from tests.support.nursery import Nursery
from tests.support.siege import Siege

CUTS = 10
VOTERS = 6
DATABASE, WAL, SHM = "althing.db", "althing.db-wal", "althing.db-shm"
WAL_HEADER = 32


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@dataclass
class Cut:
    """A copy of the files, and what had been answered before it was made."""

    files: Path
    answered: list[Acknowledged]

    @property
    def wal(self) -> bytes:
        """The write-ahead log."""
        return (self.files / WAL).read_bytes()


def cut(siege: Siege, voters: list[Voter], target: Path, *, shared_memory: bool) -> Cut:
    """The files as they are at this instant."""
    siege.server.signal(signal.SIGSTOP)
    try:
        answered = [one for voter in voters for one in tuple(voter.heard)]
        leave_out = () if shared_memory else (SHM,)
        shutil.copytree(siege.data, target, ignore=shutil.ignore_patterns(*leave_out))
    finally:
        siege.server.signal(signal.SIGCONT)
    return Cut(target, answered)


def torn(first: Cut, second: Cut, target: Path, chance: random.Random) -> Cut | None:
    """The first copy, with a part of what was appended until the second; None when the log began anew."""
    before, after = first.wal, second.wal
    if before[:WAL_HEADER] != after[:WAL_HEADER] or len(after) <= len(before):
        return None
    shutil.copytree(first.files, target, ignore=shutil.ignore_patterns(SHM))
    part = bytearray(after[: chance.randrange(len(before), len(after))])
    rubbish = min(chance.choice([0, 1, 512]), len(part) - len(before))
    part[len(part) - rubbish :] = chance.randbytes(rubbish)
    (target / WAL).write_bytes(part)
    return Cut(target, first.answered)


def revived(copy: Cut, place: Community) -> int:
    """The instance starts from the copy and takes a vote; gives the entries that the ballot had."""
    with serving(None, copy.files) as service:
        again = community(service, voters=VOTERS, now=place.now)
        again.definitions = place.definitions
        vote = again.vote("q1", 0, place.now)
        index: int = again.post(f"/spaces/{SPACE}/ballots/q1/votes", vote).index
    inspect(None, copy.files, copy.answered)
    return index


@pytest.mark.slow
def test_every_copy_holds_what_was_answered_before_it(nursery: Nursery, tmp_path: Path) -> None:
    chance = random.Random(20_270_101)
    siege = Siege(nursery, None, tmp_path, voters=VOTERS)
    siege.place.open("q1")
    voters = [Voter(siege.place, "q1", n) for n in range(VOTERS)]
    for voter in voters:
        voter.start(siege.port)
    cuts = []
    for number in range(CUTS):
        time.sleep(chance.uniform(0.01, 0.08))
        cuts.append(cut(siege, voters, tmp_path / f"cut-{number}", shared_memory=number % 2 == 0))
    for voter in voters:
        voter.stop()
        siege.heard += voter.heard
    siege.finish()
    pieces = [
        torn(first, second, tmp_path / f"torn-{number}", chance)
        for number, (first, second) in enumerate(pairwise(cuts))
    ]
    torn_ones = [piece for piece in pieces if piece is not None]
    assert len(cuts[-1].answered) > CUTS
    assert torn_ones
    sizes = [revived(copy, siege.place) for copy in (*cuts, *torn_ones)]
    assert sizes[:CUTS] == sorted(sizes[:CUTS])

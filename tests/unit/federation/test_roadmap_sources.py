"""Reading roadmaps from public files: what is believed, what is marked, and what is read only once."""

from __future__ import annotations

import json

import pytest

from federation.roadmap_sources import Followed, SourceReader, read_sources
from federation.roadmaps import merge
from governance.errors import SourceUnavailable
from governance.signing.envelope import normalise, sign_envelope
from governance.statements.base import PREFIX, SUFFIX
from tests.support.joint import NOW, log_signer
from tests.support.logs import public_files
from tests.support.memory import MemoryFiles
from tests.support.roadmaps import Planner, item_of
from tests.support.world import key, signed


@pytest.fixture
def planner():
    made = Planner(0)
    made.plan("search", "index")
    return made


def published(planner: Planner, *more: bytes) -> dict[str, bytes]:
    """The files with further entries that no rule has seen."""
    entries = [entry.data for entry in planner.space.entries]
    made = public_files([*entries, *more], [log_signer(planner.origin)])
    return planner.files() | {f"logs/spaces/club/{path}": data for path, data in made.items()}


def unknown(planner: Planner, what: str = "roadmap-dream") -> bytes:
    payload = json.dumps({"space": "club", "dream": what}).encode()
    return normalise(sign_envelope(PREFIX + "roadmap-dream" + SUFFIX, payload, [planner.steward]))


def read(planner: Planner, files: dict[str, bytes], **changes):
    return read_sources([Followed(planner.instance_id, MemoryFiles(files), NOW, **changes)])


def test_asking_again_reads_the_checkpoint_and_what_is_new(planner):
    reader = SourceReader()
    files = MemoryFiles(planner.files())
    first = reader.read(Followed(planner.instance_id, files, NOW))
    files.reads.clear()
    assert reader.read(Followed(planner.instance_id, files, NOW)) == first
    assert files.reads == [
        ".well-known/althing.json",
        "logs/instance/checkpoint",
        "logs/spaces/club/checkpoint",
    ]
    planner.plan("third")
    files.files.update(planner.files())
    files.reads.clear()
    (view,) = reader.read(Followed(planner.instance_id, files, NOW))
    assert len(view.items) == 3
    assert any(path.startswith("logs/spaces/club/tile/entries/") for path in files.reads)


def test_statements_of_a_later_version_are_passed_over_and_marked(planner):
    entry = planner.revision("third")
    (view,) = read(planner, published(planner, unknown(planner), signed(entry, planner.steward).data))
    assert view.skipped == 1
    assert "roadmap-dream" in view.problem
    found = merge([view], NOW)
    assert item_of(found, planner.name("third")).marks == ["unverified"]
    assert found.sources[0].problem == view.problem


def test_statements_that_break_a_rule_do_not_count(planner):
    forged = signed(planner.revision("search", title="Forged"), key(99))
    (view,) = read(planner, published(planner, forged.data, b"no envelope"))
    assert view.skipped == 2
    assert "Forged" not in {record.statement.title for record in view.items}
    assert f"entry {planner.size}" in view.problem


def test_entries_that_are_not_the_signed_ones_are_not_believed(planner):
    files = planner.files()
    path = next(p for p in files if p.startswith("logs/spaces/club/tile/entries/"))
    files[path] = files[path][:-1] + b" "
    (view,) = read(planner, files)
    assert view.items == ()
    assert "signed root" in view.problem
    assert view.marks(NOW) == {"unverified"}


def test_what_was_read_stays_when_the_source_goes_bad(planner):
    reader = SourceReader()
    good = planner.files()
    (before,) = reader.read(Followed(planner.instance_id, MemoryFiles(good), NOW))
    files = MemoryFiles(dict(good))
    reader = SourceReader()
    reader.read(Followed(planner.instance_id, files, NOW))
    planner.plan("third")
    newer = planner.files()
    for path in newer:
        if path.endswith("club/checkpoint"):
            files.files[path] = newer[path]
    (view,) = reader.read(Followed(planner.instance_id, files, NOW + 9))
    assert (view.items, view.checked_at) == (before.items, NOW + 9)
    assert view.problem
    files.files.update(newer)
    (view,) = reader.read(Followed(planner.instance_id, files, NOW + 10))
    assert len(view.items) == 3
    assert view.problem == ""


def test_a_source_that_goes_back_is_said_so(planner):
    reader = SourceReader()
    files = MemoryFiles(planner.files())
    old = dict(files.files)
    planner.plan("third")
    files.files.update(planner.files())
    reader.read(Followed(planner.instance_id, files, NOW))
    files.files.update(old)
    (view,) = reader.read(Followed(planner.instance_id, files, NOW))
    assert len(view.items) == 3
    assert "entries before" in view.problem


def test_another_instance_under_that_address_is_nothing_of_ours(planner):
    other = Planner(1)
    other.plan("theirs")
    (view,) = read(planner, other.files())
    assert (view.instance, view.items, view.space) == (planner.instance_id, (), "")
    assert "identity document" in view.problem


def test_a_source_that_cannot_be_reached_is_listed_with_the_reason(planner):
    class Gone(MemoryFiles):
        def read(self, path, limit):
            raise SourceUnavailable("no route")

    (view,) = read_sources([Followed(planner.instance_id, Gone({}), 0)])
    found = merge([view], NOW)
    assert found.items == []
    assert (found.sources[0].problem, found.sources[0].marks) == ("no route", ["stale", "unverified"])


def test_evidence_and_lag_are_marked(planner):
    origin = frozenset({planner.origin})
    (view,) = read(planner, planner.files(), frozen=origin, behind=origin)
    assert view.marks(NOW) == {"frozen", "stale"}

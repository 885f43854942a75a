"""One flipped bit anywhere in the published files makes the audit fail, and name the entry or the file."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.log.tiles import Bundle, parse_path
from tests.support.ballots import BALLOT_ORIGIN, INSTANCE_ORIGIN, SPACE_ORIGIN, log_folder, make_world
from tests.support.memory import MemoryFiles, audit_files

VOTERS = 280


@cache
def published():
    return make_world(VOTERS, rounds=2).files()


def kinds():
    """One group of paths for each kind of file in each log, so that rare kinds are flipped as often."""
    groups = {}
    for path in sorted(published()):
        kind = path.rsplit("/", 1)[0] if "/tile/" in path or path.startswith("blobs") else path
        groups.setdefault(kind.removesuffix(".p"), []).append(path)
    return sorted(groups.items())


def named(check, path):
    """Whether a failed check points at the flipped file: by its path, or by an entry of that bundle."""
    if check.file == path:
        return True
    folder = path.partition("/tile/")[0]
    origins = {log_folder(o): o for o in (INSTANCE_ORIGIN, SPACE_ORIGIN, BALLOT_ORIGIN)}
    if check.entry is None or "/tile/" not in path or check.log != origins[folder]:
        return False
    place = parse_path(path.removeprefix(f"{folder}/"))
    return isinstance(place, Bundle) and 256 * place.n <= check.entry < 256 * place.n + place.width


def test_the_untouched_files_pass():
    verdict = audit_files(published())
    assert verdict.passed, verdict.failures
    assert [c.name for c in verdict.checks if c.status == "skipped"] == ["fingerprint"]


@pytest.mark.parametrize(("kind", "paths"), [pytest.param(k, p, id=k) for k, p in kinds()])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_fails_and_is_named(kind, paths, data):
    path = data.draw(st.sampled_from(paths))
    content = bytearray(published()[path])
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    verdict = audit_files(published() | {path: bytes(content)})
    assert not verdict.passed
    assert any(named(check, path) for check in verdict.failures), (path, bit, verdict.failures)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_missing_file_fails_and_is_named(data):
    path = data.draw(st.sampled_from(sorted(published())))
    files = dict(published())
    del files[path]
    verdict = audit_files(files)
    assert any(check.file == path for check in verdict.failures), (path, verdict.failures)


@settings(max_examples=20, deadline=None)
@given(data=st.data(), tail=st.binary(min_size=1, max_size=40))
def test_bytes_after_the_end_fail(data, tail):
    path = data.draw(st.sampled_from(sorted(published())))
    verdict = audit_files(published() | {path: published()[path] + tail})
    assert any(named(check, path) for check in verdict.failures), (path, verdict.failures)


def test_every_file_is_read():
    source = MemoryFiles(published())
    from governance.audit.run import audit

    audit(source)
    # Every log is asked for cosignatures; nobody has cosigned these.
    wanted = {path for path in source.reads if not path.endswith("/cosigned")}
    assert wanted == set(published())

"""The tree is rebuilt from the entries: tiles that agree among themselves prove nothing."""

import pytest

from governance.audit.checks import Findings
from governance.audit.source import LogFiles
from governance.audit.structure import Rebuilt, Workers, read_checkpoint
from governance.log.merkle import leaf_hashes
from governance.log.tiles import Bundle, bundles_for, encode_bundle
from tests.support.logs import LOG, ORIGIN, entries_of, public_files
from tests.support.memory import MemoryFiles


def rebuild(files, marks=()):
    findings = Findings()
    log = findings.about(ORIGIN)
    source = LogFiles(MemoryFiles(files), "")
    checkpoint = read_checkpoint(source, log, ORIGIN, str(LOG.key))
    rebuilt = None
    if checkpoint is not None:
        rebuilt = Rebuilt(source, checkpoint, log)
        for _ in rebuilt.judged(Workers(), marks, b"", checkpoint.size):
            pass
    return rebuilt, {check.name: check for check in findings.checks}


SIZES = [0, 1, 2, 255, 256, 257, 300, 512, 767, 1000, 70_000]


@pytest.mark.parametrize("size", SIZES)
def test_honest_logs(size):
    _, checks = rebuild(public_files(entries_of(size)))
    assert {c.name: c.status for c in checks.values()} == dict.fromkeys(
        ("log key", "checkpoint", "bundles", "tree", "tiles"), "passed"
    )


@pytest.mark.parametrize("size", [s for s in SIZES if s])
@pytest.mark.parametrize("where", ["first", "last"])
def test_forged_but_consistent_tiles(size, where):
    """All tiles and the signed root are those of other entries than the published ones."""
    entries = entries_of(size)
    index = 0 if where == "first" else size - 1
    entries[index] = b"forged"
    true = entries_of(size)
    files = public_files(true, leaves=leaf_hashes(entries))
    _, checks = rebuild(files)
    assert checks["tree"].status == "failed"
    assert checks["tree"].entry == index
    assert checks["tiles"].status == "failed"


def test_tiles_of_the_entries_under_another_signed_root():
    files = public_files(entries_of(300))
    files["checkpoint"] = public_files([*entries_of(299), b"other"])["checkpoint"]
    _, checks = rebuild(files)
    assert (checks["tree"].status, checks["tree"].file) == ("failed", "checkpoint")
    assert checks["tiles"].status == "passed"


def test_one_upper_tile_wrong():
    files = public_files(entries_of(70_000))
    path = next(p for p in files if p.startswith("tile/1/") and ".p/" not in p)
    files[path] = files[path][:-1] + b"\0"
    _, checks = rebuild(files)
    assert (checks["tree"].status, checks["tiles"].status) == ("passed", "failed")
    assert checks["tiles"].file == path


@pytest.mark.parametrize("change", ["short", "long", "cut"])
def test_bundles_are_exact(change):
    files = public_files(entries_of(300))
    path = Bundle(1, 44).path
    entries = entries_of(300)[256:]
    files[path] = {
        "short": encode_bundle(entries[:-1]),
        "long": encode_bundle([*entries, b"more"]),
        "cut": files[path][:-1],
    }[change]
    _, checks = rebuild(files)
    assert (checks["bundles"].status, checks["bundles"].file) == ("failed", path)
    assert "tree" not in checks


@pytest.mark.parametrize("size", [1, 256, 300, 1500])
def test_roots_at_sizes_asked_for(size):
    entries = entries_of(size)
    rebuilt, _ = rebuild(public_files(entries), range(size + 5))
    for at in {1, min(2, size), size // 2 or 1, size}:
        expected, _ = rebuild(public_files(entries[:at]))
        assert rebuilt.roots[at] == expected.checkpoint.root
    assert max(rebuilt.roots) == size


def test_a_checkpoint_of_astronomic_size_is_no_work():
    from governance.log.checkpoint import Checkpoint, sign_checkpoint

    files = public_files(entries_of(300))
    files["checkpoint"] = sign_checkpoint(Checkpoint(ORIGIN, 2**62, bytes(32)), [LOG])
    _, checks = rebuild(files)
    assert checks["bundles"].status == "failed"


@pytest.mark.parametrize("vkey", [b"", b"\xff", b"x", f"{LOG.key}".encode(), f"{LOG.key}\n\n".encode()])
def test_another_vkey_file(vkey):
    _, checks = rebuild(public_files(entries_of(3)) | {"vkey": vkey})
    assert (checks["log key"].status, checks["log key"].file) == ("failed", "vkey")


def test_numbers():
    _, checks = rebuild(public_files(entries_of(1000)))
    assert checks["bundles"].numbers == {"entries": 1000}
    assert checks["tiles"].numbers == {"tiles": len(list(bundles_for(0, 1000))) + 1}

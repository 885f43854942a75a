"""Key files of logs: made once, private, and missed loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import DataDirectoryUnusable, IntegrityFault, StorageUnavailable
from governance.service.log_keys import LogKeys
from governance.signing.note import Ed25519Verifier, sign_text


def test_key_is_made_once_and_kept(tmp_path: Path) -> None:
    keys = LogKeys(tmp_path)
    first = keys.create("example.org/a")
    assert str(keys.create("example.org/a").key) == str(first.key)
    assert str(LogKeys(tmp_path).load("example.org/a").key) == str(first.key)
    assert str(keys.create("example.org/b").key) != str(first.key)
    path = keys.path("example.org/a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.parent.iterdir()) == sorted([path, keys.path("example.org/b")])


def test_signer_signs_as_the_origin(tmp_path: Path) -> None:
    signer = LogKeys(tmp_path).create("example.org/a")
    line = sign_text(b"text\n", signer)
    assert line.name == "example.org/a"
    assert Ed25519Verifier(signer.key).verify(b"text\n", line.signature)


def test_missing_key_of_a_log_that_exists(tmp_path: Path) -> None:
    with pytest.raises(IntegrityFault):
        LogKeys(tmp_path).load("example.org/a")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b'{"althing":"log-key/v1","origin":"example.org/b","seed":"' + b"A" * 43 + b'="}',
        b'{"althing":"log-key/v1","origin":"example.org/a","seed":"AAAA"}',
        b'{"althing":"log-key/v1","origin":"example.org/a","seed":7}',
        b'{"althing":"log-key/v2","origin":"example.org/a","seed":"' + b"A" * 43 + b'="}',
    ],
)
def test_damaged_key_file(content: bytes, tmp_path: Path) -> None:
    keys = LogKeys(tmp_path)
    keys.path("example.org/a").write_bytes(content)
    with pytest.raises(IntegrityFault):
        keys.load("example.org/a")


def test_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(DataDirectoryUnusable):
        LogKeys(tmp_path)


def test_key_that_cannot_be_stored(tmp_path: Path) -> None:
    keys = LogKeys(tmp_path)
    (tmp_path / "keys" / "logs").rmdir()
    with pytest.raises(StorageUnavailable):
        keys.create("example.org/a")

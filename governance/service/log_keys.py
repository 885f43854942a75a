"""The keys that sign our logs: one file for each, made before the log's first entry is stored.

`DATA/keys/logs/<hex sha256(origin)>`, mode 0600, JSON: `{"althing":"log-key/v1","origin":…,"seed":base64}`.
A log's key never changes, so a file is written once, synced to disk, and never again.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from governance.canonical import sha256
from governance.errors import DataDirectoryUnusable, IntegrityFault, StorageUnavailable
from governance.signing.note import Ed25519Signer

_FORMAT: Final = "log-key/v1"


class LogKeys:
    """The key files of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "keys" / "logs"
        try:
            # `parents=True` would make the folders between with the default mode.
            for folder in (data_dir, data_dir / "keys", self._directory):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as e:
            raise DataDirectoryUnusable(f"{self._directory} cannot be written: {e.strerror}") from e

    def path(self, origin: str) -> Path:
        """Where the key of this log is kept."""
        return self._directory / sha256(origin.encode()).hex()

    def create(self, origin: str) -> Ed25519Signer:
        """The log's signer; makes the key if there is none yet, on disk before it is used.

        Raises:
            StorageUnavailable: the file cannot be written.
        """
        if not self.path(origin).exists():
            seed = secrets.token_bytes(32)
            content = {"althing": _FORMAT, "origin": origin, "seed": b64encode(seed).decode()}
            try:
                self._write(self.path(origin), json.dumps(content).encode())
            except OSError as e:
                raise StorageUnavailable(f"the key of {origin} cannot be stored: {e.strerror}") from e
        return self.load(origin)

    def load(self, origin: str) -> Ed25519Signer:
        """The signer of a log that exists.

        Raises:
            IntegrityFault: its key file is missing or of another log; without it the log cannot go on.
            StorageUnavailable: the file is there and cannot be read now (no descriptors left, say).
        """
        path = self.path(origin)
        try:
            data = path.read_bytes()
        except FileNotFoundError as e:
            raise IntegrityFault(f"the key of {origin} is missing: there is no {path}") from e
        except OSError as e:
            raise StorageUnavailable(f"the key of {origin} cannot be read: {e.strerror}") from e
        return _signer(origin, data, path)

    def fits(self, origin: str, vkey: str) -> bool:
        """Whether we hold the key of that log, and it is this one."""
        try:
            return str(self.load(origin).key) == vkey
        except IntegrityFault:
            return False

    def put_back(self, origin: str, vkey: str, data: bytes) -> bool:
        """Store a key file that is missing here; gives whether we hold the key of that log now.

        Raises:
            StorageUnavailable: it cannot be written.
        """
        path = self.path(origin)
        try:
            if str(_signer(origin, data, path).key) == vkey:
                self._write(path, data)
        except IntegrityFault:
            return False
        except OSError as e:
            raise StorageUnavailable(f"the key of {origin} cannot be stored: {e.strerror}") from e
        return self.fits(origin, vkey)

    def _write(self, path: Path, content: bytes) -> None:
        """Complete or not at all: a temporary file, synced, linked under its name, the folder synced.

        A link, unlike a rename, never replaces a key that came in between.
        """
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if not path.exists():
                os.link(temporary, path)
        except FileExistsError:
            return
        finally:
            temporary.unlink()
        for folder in (path.parent, path.parent.parent):
            _sync_folder(folder)


def _signer(origin: str, data: bytes, path: Path) -> Ed25519Signer:
    try:
        content = json.loads(data)
        seed = b64decode(content["seed"], validate=True)
        if content["althing"] != _FORMAT or content["origin"] != origin or len(seed) != 32:
            raise IntegrityFault(f"{path} does not hold the key of {origin}")
    except (ValueError, KeyError, TypeError) as e:
        raise IntegrityFault(f"the key of {origin} cannot be read from {path}: {e}") from e
    return Ed25519Signer(origin, seed)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

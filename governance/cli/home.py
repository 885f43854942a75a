"""Where a person's keys and receipts are, and how such files are written."""

from __future__ import annotations

import os
from pathlib import Path

from governance.errors import AlreadyExists, NotFound


def _home() -> Path | None:
    given = os.environ.get("ALTHING_HOME")
    return Path(given) if given else None


def keys_directory() -> Path:
    """`$ALTHING_HOME`, else `~/.config/althing`."""
    return _home() or Path.home() / ".config" / "althing"


def receipts_directory() -> Path:
    """`$ALTHING_HOME/receipts`, else `~/.local/share/althing/receipts`."""
    home = _home()
    return home / "receipts" if home else Path.home() / ".local" / "share" / "althing" / "receipts"


def key_path(name: Path | None) -> Path:
    """The key file: as given, or by its name in the keys' directory, or the key called `key`."""
    if name is None:
        return keys_directory() / "key"
    return name if name.exists() or len(name.parts) > 1 else keys_directory() / name


def read_file(path: Path, what: str, advice: str = "") -> bytes:
    """The bytes of a file.

    Raises:
        NotFound: there is none, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as e:
        hint = f"; {advice}" if advice else ""
        raise NotFound(f"there is no {what} at {path} ({e.strerror}){hint}") from e


def write_new(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Write a file that must not exist yet; a secret one only its owner may read, from its first byte on.

    Raises:
        AlreadyExists: it exists; nothing is overwritten.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, 0o600 if secret else 0o644)
    except FileExistsError as e:
        raise AlreadyExists(f"{path} exists already and is never overwritten; choose another name") from e
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

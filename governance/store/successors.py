"""A log that begins with the entries of another one: how a burnt log goes on under a new key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from governance.errors import IntegrityFault
from governance.log.merkle import Frontier
from governance.store import entries, imports
from governance.store.entries import Addition, LogHead

_CHUNK: Final = 512


def begin(
    conn: sa.Connection, old: LogHead, new: LogHead, size: int, sign: Callable[[int, bytes], bytes]
) -> LogHead:
    """Store the successor with the first `size` entries of the burnt log, which stays as it is.

    Raises:
        AlreadyExists: the origin is taken.
        IntegrityFault: the entries are not those of the burnt log's tree.
    """
    log, tree = entries.create(conn, new), Frontier()
    for start in range(0, size, _CHUNK):
        chunk = entries.read_entries(conn, old.id, start, min(start + _CHUNK, size))
        log = imports.extend(conn, log, tree, chunk)
    if log.size != size or tree.root() != entries.root_at(conn, old, size):
        raise IntegrityFault(f"the first {size} entries of {old.origin} are not those of its tree")
    return entries.append(conn, log, Addition([], [], [], tree.root()), sign)

"""Following a burnt log to where it goes on, and what our copy of the burnt one says to that.

What is known of a successor before it has shown a head is the size and the root that its instance's root key
has signed for: its row in `fed_seen` begins there, so whatever it shows, to our mirror or to our witness, has
to extend them. A copy of ours that differs within these entries stops both, until the burnt log is proven
to have two histories: then our copy may be the thief's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from prometheus_client import Counter

from federation import copy_rows, seen
from federation.copy_rows import CopyRow
from federation.mirror_tree import tree_of
from federation.node import Node
from federation.seen import SeenRow
from governance.errors import BadProof
from governance.log.lineage import name_of, number_of, origin_of

_dropped: Final = Counter(
    "althing_mirror_dropped", "Entries in copies of burnt logs that do not count where these logs go on"
)
_log: Final = logging.getLogger("althing.federation")


def is_new(row: SeenRow) -> bool:
    """Whether a log is a successor that has not shown a head yet."""
    return row.size > 0 and not row.note


def check(node: Node, row: SeenRow, root_at: Callable[[int], bytes] | None = None) -> None:
    """That our copy of the burnt log allows the new successor of this row.

    Args:
        node: we.
        row: of the successor.
        root_at: the successor's own roots, as far as it was fetched; tells how many of our entries it drops.

    Raises:
        BadProof: our copy has other entries where they have to be the same, and no fork is proven.
    """
    with node.db.read() as conn:
        burnt, copy = _burnt(conn, row.origin)
    if burnt is None or copy is None or not copy.size:
        return
    size = min(copy.size, row.size)
    ours = tree_of(node.copies, copy.folder, copy.size)(size)
    theirs = row.root if size == row.size else None if root_at is None else root_at(size)
    if theirs is not None and ours != theirs:
        if burnt.frozen is None:
            raise BadProof(
                f"{row.origin} does not go on from the entries of {burnt.origin} that we have copied"
            )
        _log.warning("%s goes on from another history of %s than our copy has", row.origin, burnt.origin)
    elif root_at is not None and copy.size > row.size:
        _dropped.inc(copy.size - row.size)
        _log.warning(
            "%d entries of %s that we have copied do not count in %s",
            copy.size - row.size,
            burnt.origin,
            row.origin,
        )


def _burnt(conn: sa.Connection, origin: str) -> tuple[SeenRow | None, CopyRow | None]:
    before = origin_of(name_of(origin), number_of(origin) - 1)
    return seen.get(conn, before), copy_rows.get(conn, before)

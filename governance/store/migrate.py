"""Bringing a database to this version's tables, by the Alembic revisions in the package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from governance.errors import DatabaseTooNew, SetupFault

_HERE: Final = Path(__file__).parent / "migrations"


def upgrade(engine: sa.Engine, more: Sequence[Path] = ()) -> None:
    """Apply what is missing, in one transaction.

    Raises:
        DatabaseTooNew: the database holds a revision that neither we nor a plugin know.
    """
    config = _config(more)
    with engine.connect().execution_options(althing_write=True) as conn, conn.begin():
        if _missing(conn, config):
            config.attributes["connection"] = conn
            command.upgrade(config, "heads")


def check(engine: sa.Engine, more: Sequence[Path] = ()) -> None:
    """That nothing is missing, for those who may not write.

    Raises:
        DatabaseTooNew: as `upgrade`.
        SetupFault: the database is of an older version, or empty.
    """
    with engine.connect() as conn:
        if _missing(conn, _config(more)):
            raise SetupFault("this database is of an older version; start the instance once to upgrade it")


def _missing(conn: sa.Connection, config: Config) -> bool:
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    present = set(MigrationContext.configure(conn).get_current_heads())
    if unknown := sorted(present - known):
        raise DatabaseTooNew(
            f"the database is at revision {', '.join(unknown)}, which this version does not know; "
            "run the newer Althing, or install the plugin that made it"
        )
    return present != set(script.get_heads())


def _config(more: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "newline")
    folders = [_HERE / "versions", *more]
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in folders))
    return config

"""Run by Alembic inside `engine.migrate`, on the connection and in the transaction it is given there."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    # SQLite cannot alter a column; Alembic then copies the table.
    render_as_batch=True,
)
context.run_migrations()

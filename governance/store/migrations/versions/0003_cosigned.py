"""Cosignatures of our checkpoints. A database without the table has asked nobody for any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cosigned",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("size", Integer, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("final", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_cosigned_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "size", name="pk_cosigned"),
        sqlite_strict=True,
    )

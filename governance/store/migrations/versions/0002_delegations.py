"""Delegations: the latest one of each member and scope. None are recorded in a database without the table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "delegations",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("record", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("delegator", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("delegates", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=True),
        sa.Column("sequence", Integer, nullable=False),
        sa.Column("delegated_at", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_delegations_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "record", name="pk_delegations"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_delegations_log_id_delegator"), "delegations", ["log_id", "delegator"])

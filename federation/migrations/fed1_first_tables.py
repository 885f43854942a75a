"""The tables of federation (see `federation.tables`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "fed1"
down_revision = None
branch_labels = ("federation",)
depends_on = "0001"

Integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "fed_copies",
        sa.Column("origin", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", Integer, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned", sa.LargeBinary(), nullable=False),
        sa.Column("returned", Integer, nullable=False),
        sa.Column("checked_at", Integer, nullable=False),
        sa.Column("scrubbed_at", Integer, nullable=False),
        sa.Column("scrub_next", Integer, nullable=False),
        sa.Column("damaged", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("origin", name="pk_fed_copies"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_errands",
        sa.Column("peer", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("due_at", Integer, nullable=False),
        sa.Column("attempts", Integer, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("last_ok", Integer, nullable=False),
        sa.Column("woken", Integer, nullable=False),
        sa.PrimaryKeyConstraint("peer", "kind", name="pk_fed_errands"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_evidence",
        sa.Column("digest", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("found_at", Integer, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("logged", Integer, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_fed_evidence"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_nonces",
        sa.Column("sender", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("nonce", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("expires", Integer, nullable=False),
        sa.PrimaryKeyConstraint("sender", "nonce", name="pk_fed_nonces"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_peers",
        sa.Column("id", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("serial", Integer, nullable=False),
        sa.Column("checked_at", Integer, nullable=False),
        sa.Column("contact_at", Integer, nullable=False),
        sa.Column("skew", Integer, nullable=False),
        sa.Column("quarantine", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fed_peers"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_seen",
        sa.Column("origin", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=True),
        sa.Column("size", Integer, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned", sa.LargeBinary(), nullable=False),
        sa.Column("frozen", sa.Text(), nullable=True),
        sa.Column("seen_at", Integer, nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_fed_seen"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_told",
        sa.Column("peer", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("digest", sa.Text(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("peer", "digest", name="pk_fed_told"),
        sqlite_strict=True,
    )
    op.create_table(
        "fed_witnessed",
        sa.Column("witness", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("origin", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("size", Integer, nullable=False),
        sa.Column("at", Integer, nullable=False),
        sa.PrimaryKeyConstraint("witness", "origin", name="pk_fed_witnessed"),
        sqlite_strict=True,
    )

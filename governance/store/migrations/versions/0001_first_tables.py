"""First tables: logs, entries, tile hashes, blobs, drafts and projections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _logs()
    _spaces()
    _ballots()
    _notices()


def _logs() -> None:
    op.create_table(
        "logs",
        sa.Column("id", Integer, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=True),
        sa.Column("ballot", sa.Text(), nullable=True),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("size", Integer, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('instance', 'space', 'ballot')", name="ck_logs_kind"),
        sa.CheckConstraint("size >= 0", name="ck_logs_size"),
        sa.PrimaryKeyConstraint("id", name="pk_logs"),
        sa.UniqueConstraint("origin", name="uq_logs_origin"),
        sqlite_strict=True,
    )
    op.create_table(
        "entries",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("idx", Integer, autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_entries_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "idx", name="pk_entries"),
        sqlite_strict=True,
    )
    op.create_table(
        "tile_hashes",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("height", Integer, autoincrement=False, nullable=False),
        sa.Column("position", Integer, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_tile_hashes_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "height", "position", name="pk_tile_hashes"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_blobs"),
        sqlite_strict=True,
    )
    op.create_table(
        "drafts",
        sa.Column("space", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ballot", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", Integer, nullable=False),
        sa.PrimaryKeyConstraint("space", "ballot", name="pk_drafts"),
        sqlite_strict=True,
    )


def _spaces() -> None:
    op.create_table(
        "spaces",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("founded_at", Integer, nullable=False),
        sa.Column("constitution", sa.Text(), nullable=True),
        sa.Column("constitution_revision", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_spaces_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", name="pk_spaces"),
        sqlite_strict=True,
    )
    op.create_index("ix_spaces_space", "spaces", ["space"])
    op.create_table(
        "statements",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("idx", Integer, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_statements_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "idx", name="pk_statements"),
        sqlite_strict=True,
    )
    op.create_index("ix_statements_identity", "statements", ["identity"])
    op.create_index(
        "ix_statements_log_id_kind_subject_idx", "statements", ["log_id", "kind", "subject", "idx"]
    )
    op.create_table(
        "members",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("member", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("enrolled_at", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_members_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "member", name="pk_members"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roadmap_items",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("revision", Integer, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("quarter", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("theme", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("effort", sa.Text(), nullable=True),
        sa.Column("effort_days", Integer, nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("revised_at", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_roadmap_items_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "item", name="pk_roadmap_items"),
        sqlite_strict=True,
    )
    op.create_index("ix_roadmap_items_log_id_quarter", "roadmap_items", ["log_id", "quarter"])


def _ballots() -> None:
    op.create_table(
        "ballots",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("ballot", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quarter", sa.Text(), nullable=True),
        sa.Column("privacy", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("opens_at", Integer, nullable=False),
        sa.Column("closes_at", Integer, nullable=False),
        sa.Column("extended", Integer, nullable=False),
        sa.Column("opening", Integer, nullable=True),
        sa.Column("opened_at", Integer, nullable=True),
        sa.Column("voters", Integer, nullable=True),
        sa.Column("weight", sa.Text(), nullable=True),
        sa.Column("close", Integer, nullable=True),
        sa.Column("closed_at", Integer, nullable=True),
        sa.Column("votes", Integer, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("winners", sa.Text(), nullable=True),
        sa.Column("counted_at", Integer, nullable=True),
        sa.Column("cancelled_at", Integer, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "phase IN ('defined', 'open', 'closed', 'decided', 'cancelled')", name="ck_ballots_phase"
        ),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_ballots_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", name="pk_ballots"),
        sqlite_strict=True,
    )
    op.create_index("ix_ballots_space_ballot", "ballots", ["space", "ballot"])
    op.create_table(
        "votes",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("voter", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("cast_at", Integer, nullable=False),
        sa.Column("replaced", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_votes_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "voter", name="pk_votes"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _notices() -> None:
    op.create_table(
        "ballot_notices",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("ballot", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("quarter", sa.Text(), nullable=True),
        sa.Column("noted_at", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_ballot_notices_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "ballot", name="pk_ballot_notices"),
        sqlite_strict=True,
    )
    op.create_table(
        "outcome_notices",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("ballot", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("size", Integer, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("winners", sa.Text(), nullable=False),
        sa.Column("noted_at", Integer, nullable=False),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_outcome_notices_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "ballot", name="pk_outcome_notices"),
        sqlite_strict=True,
    )
    op.create_table(
        "commitments",
        sa.Column("log_id", Integer, autoincrement=False, nullable=False),
        sa.Column("commitment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idx", Integer, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("ballot", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("committed_at", Integer, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("updates", Integer, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("updated_at", Integer, nullable=True),
        sa.ForeignKeyConstraint(["log_id"], ["logs.id"], name="fk_commitments_log_id_logs"),
        sa.PrimaryKeyConstraint("log_id", "commitment", name="pk_commitments"),
        sqlite_strict=True,
    )

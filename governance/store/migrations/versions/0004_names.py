"""Names of logs. A database without them has no log that goes on under another origin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("logs", sa.Column("name", sa.Text(), nullable=True))
    op.execute("UPDATE logs SET name = origin")
    op.create_index("ix_logs_name", "logs", ["name"], unique=True)

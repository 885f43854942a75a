"""Alembic environment and revisions, shipped inside the package and applied when a store opens."""

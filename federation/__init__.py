"""Instances that witness, mirror, vote and plan together (DESIGN 8); joins `governance` by its hooks only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MIGRATIONS: Final = Path(__file__).parent / "migrations"
"""The revisions of the tables, for the hook `tables`."""

"""Published test vectors, as `tests/vectors/data/SOURCES.md` lists them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "vectors" / "data"


def load(name: str) -> Any:
    """The JSON of one vector file."""
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


def b64(text: str | None) -> bytes:
    """The bytes of standard base64; none for null."""
    return base64.b64decode(text or "")

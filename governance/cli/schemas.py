"""Writes the language-neutral contract anew: `python -m governance.cli.schemas` (`make schemas`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from governance.replay.joint_result import JointResult
from governance.replay.result import Result
from governance.statements.joint import Manifest
from governance.statements.schemas import DIALECT, statement_schemas

SCHEMAS = Path(__file__).parents[2] / "schemas"


def schema_files() -> dict[str, str]:
    """The text of every generated schema by file name."""
    schemas: dict[str, dict[str, Any]] = {**statement_schemas(), **_documents()}
    return {f"{name}.schema.json": json.dumps(schema, indent=1) + "\n" for name, schema in schemas.items()}


def _documents() -> dict[str, dict[str, Any]]:
    """What is no statement, but is named by one as the SHA-256 of its RFC 8785 bytes."""
    named: dict[str, tuple[type[msgspec.Struct], str]] = {
        "result": (Result, "are the blob that an outcome entry names"),
        "joint-manifest": (Manifest, "are inside every joint-acceptance, and their SHA-256 is its name"),
        "joint-result": (JointResult, "are the blob that a joint-outcome entry names"),
    }
    return {
        name: {"$schema": DIALECT, "$comment": f"RFC 8785 bytes of this {what}", **msgspec.json.schema(cls)}
        for name, (cls, what) in named.items()
    }


def main() -> None:
    """Write the files."""
    for name, text in schema_files().items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

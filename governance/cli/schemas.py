"""Writes the language-neutral contract anew: `python -m governance.cli.schemas` (`make schemas`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from governance.replay.result import Result
from governance.statements.schemas import DIALECT, statement_schemas

SCHEMAS = Path(__file__).parents[2] / "schemas"


def schema_files() -> dict[str, str]:
    """The text of every generated schema by file name."""
    schemas: dict[str, dict[str, Any]] = {**statement_schemas(), "result": _result_schema()}
    return {f"{name}.schema.json": json.dumps(schema, indent=1) + "\n" for name, schema in schemas.items()}


def _result_schema() -> dict[str, Any]:
    comment = "RFC 8785 bytes of this are the blob that an outcome entry names"
    return {"$schema": DIALECT, "$comment": comment, **msgspec.json.schema(Result)}


def main() -> None:
    """Write the files."""
    for name, text in schema_files().items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

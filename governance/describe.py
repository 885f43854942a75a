"""What the program says of itself with all its plugins: the API and the commands (`make schemas`)."""

from __future__ import annotations

import sys
from typing import Any

from governance.__main__ import composition
from governance.cli import reference
from governance.http import openapi
from governance.http.routes import CONTROLLERS
from governance.plugins import load_plugins


def api() -> dict[str, Any]:
    """The OpenAPI document of the core and of every plugin."""
    more = [route for found in load_plugins().hook.routes(service=None) for route in found]
    return openapi.document([*CONTROLLERS, *more])


def commands() -> str:
    """The page of all commands."""
    return reference.reference(composition())


def main() -> None:
    """Write both where they are kept."""
    openapi.COMMITTED.write_bytes(openapi.encoded(api()))
    reference.PAGE.write_text(commands(), encoding="utf-8")
    sys.stderr.write(f"wrote {openapi.COMMITTED} and {reference.PAGE}\n")


if __name__ == "__main__":
    main()

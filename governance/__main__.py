"""The program `althing`: the command line composed with the service and its plugins."""

from __future__ import annotations

import os
import sys
from typing import Any

from governance.cli.console import say, tell
from governance.cli.main import CLIENT_VARIABLES, Composition, build
from governance.errors import GovernanceError, IntegrityFault
from governance.plugins import load_plugins


def _serve(flags: dict[str, Any]) -> None:
    from governance import app, settings

    environment = {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}
    try:
        app.serve(settings.load(environment, **flags), _announce)
    except IntegrityFault as e:
        tell(e, as_json=False)
        raise SystemExit(app.FATAL) from e


def _announce(url: str, fingerprint: str) -> None:
    say(
        f"Althing runs at {url}",
        f"Fingerprint of this instance: {fingerprint}",
        "Give the fingerprint to your members: an audit compares it. Stop with Ctrl-C.",
    )
    sys.stdout.flush()


def composition() -> Composition:
    """The program's parts above the command line; loads every plugin.

    Raises:
        SetupFault: a plugin does not fit.
    """
    manager = load_plugins()

    def plugins() -> list[tuple[str, list[str]]]:
        found = []
        for name, plugin in manager.list_name_plugin():
            if plugin is not None:
                hooks = sorted(caller.name for caller in manager.get_hookcallers(plugin) or ())
                found.append((name, hooks))
        return found

    return Composition(
        _serve,
        plugins,
        [group for groups in manager.hook.commands() for group in groups],
        [folder for folders in manager.hook.tables() for folder in folders],
    )


def main() -> None:
    """Run the command line."""
    try:
        program = build(composition())
    except GovernanceError as e:
        tell(e, as_json=False)
        raise SystemExit(1) from e
    program()


if __name__ == "__main__":
    main()

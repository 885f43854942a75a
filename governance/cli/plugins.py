"""`althing plugins`: what is joined to this installation."""

from __future__ import annotations

from collections.abc import Callable

import typer

from governance.cli.console import emit, table
from governance.cli.options import Json


def register(app: typer.Typer, installed: Callable[[], list[tuple[str, list[str]]]]) -> None:
    """Add the group; `installed` names each plugin with the hooks it implements."""
    group = typer.Typer(no_args_is_help=True, help="Plugins: further rules, signature suites, commands.")
    app.add_typer(group, name="plugins")

    @group.command("list")
    def list_(as_json: Json = False) -> None:
        """List the plugins and what each brings."""
        found = installed()
        if as_json:
            emit([{"plugin": name, "hooks": hooks} for name, hooks in found])
        else:
            table("Plugins", ("plugin", "brings"), [(name, ", ".join(hooks)) for name, hooks in found])

    @group.callback()
    def about() -> None:
        """Plugins: further rules, signature suites, commands."""

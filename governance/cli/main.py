"""The program `althing`: its command groups, and how an error is told (never as a traceback)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from governance import __version__
from governance.cli.console import JSON_WANTED, say, tell
from governance.errors import GovernanceError, NotFound

CLIENT_VARIABLES = ("ALTHING_HOME", "ALTHING_KEY", "ALTHING_SPACE", "ALTHING_PASSPHRASE")
"""Variables of the person at the terminal, which are no settings of an instance."""


@dataclass(frozen=True, slots=True)
class Composition:
    """What stands above the command line and is handed down to it.

    Attributes:
        serve: runs the service with the flags given (None: not given).
        plugins: names of the plugins with what each brings.
        commands: names and Typer apps of further groups.
        migrations: folders with revisions of the plugins' tables.
    """

    serve: Callable[[dict[str, Any]], None]
    plugins: Callable[[], list[tuple[str, list[str]]]]
    commands: Sequence[tuple[str, typer.Typer]] = ()
    migrations: Sequence[Path] = ()


class Program(TyperGroup):
    """The root group: turns every error into words and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GovernanceError as e:
            error = e
        except BrokenPipeError:
            # The reader has seen enough (`| head`); what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as e:
            named = f" ({e.filename})" if e.filename else ""
            error = NotFound(f"{e.strerror or e}{named}")
        except Exception as e:
            # Typer's own ways to end a command carry an exit code, or are an answer of no to a question.
            if isinstance(e, typer.Abort) or hasattr(e, "exit_code"):
                raise
            error = GovernanceError(f"this is a fault in Althing itself: {type(e).__name__}: {e}")
        tell(error, as_json=bool(ctx.meta.get(JSON_WANTED)))
        raise typer.Exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"althing {__version__}")
        raise typer.Exit


def build(composition: Composition) -> typer.Typer:
    """The whole program."""
    app = typer.Typer(
        name="althing",
        cls=Program,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Governance and voting that communities run themselves.",
        context_settings={"help_option_names": ["-h", "--help"], "obj": composition},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(  # acted on by its callback
            False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
        ),
    ) -> None:
        """Governance and voting that communities run themselves: signed votes, public logs."""

    _register(app, composition)
    for name, group in composition.commands:
        app.add_typer(group, name=name)
    return app


def _register(app: typer.Typer, composition: Composition) -> None:
    """Every group, imported only when the program is built."""
    from governance.cli import (
        audit,
        ballot,
        calendar,
        commitment,
        count,
        delegate,
        demo,
        evidence,
        export,
        joint,
        key,
        log,
        member,
        plugins,
        receipt,
        rehearse,
        roadmap,
        serve,
        space,
        vote,
    )

    demo.register(app)
    serve.register(app, composition.serve)
    for group in (key, space, member, roadmap, ballot, vote, delegate, receipt, commitment, calendar):
        group.register(app)
    for group in (joint, count, rehearse, audit, evidence, export, log):
        group.register(app)
    plugins.register(app, composition.plugins)

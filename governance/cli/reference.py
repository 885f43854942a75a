"""The page docs/commands.md, from the commands themselves (`make schemas` writes it)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from governance.cli.main import Composition, build

PAGE: Final = Path(__file__).parents[2] / "docs" / "commands.md"
HEAD: Final = """# Commands

Every command of `althing`, written from the program itself (`make schemas`). `althing COMMAND --help` shows
the same in the terminal, with the defaults.

**Exit codes**: 0 fine, 1 a check failed or something was refused, 2 the command was not written right.
`--json` prints one JSON value to standard output, also for an error (`error`, `title`, `detail`, `pointer`);
the codes are in [problems](problems.md).

**Your files**: keys are in `~/.config/althing` (the one called `key` is used when you name none), receipts in
`~/.local/share/althing/receipts`. `ALTHING_HOME` puts both elsewhere. `ALTHING_URL`, `ALTHING_SPACE` and
`ALTHING_KEY` stand for `--url`, `--space` and `--key`; `ALTHING_PASSPHRASE` unlocks an SSH key where nobody
can be asked. Key files are written readable for you alone, and never overwritten.

**A receipt** is three files of one name: `.tlog-proof` (the proof), `.entry` (your vote as the log holds it)
and `.vkey` (the log's key); `.signer` is added where your member id does not hold your key.
"""


def reference(composition: Composition) -> str:
    """The page."""
    program = typer.main.get_command(build(composition))
    return HEAD + "".join(_group(program, ("althing",)))


def _group(group: Any, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        here = (*path, name)
        if hasattr(command, "commands"):
            yield f"\n## {' '.join(here)}\n\n{_prose(command)}\n"
            yield from _group(command, here)
        elif not command.hidden:
            yield _command(command, here)


def _command(command: Any, path: tuple[str, ...]) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
    usage = " ".join((*path, *(_usage(p) for p in arguments), *(["[OPTIONS]"] if options else [])))
    lines = [f"\n{'#' * len(path)} {' '.join(path)}\n\n{_prose(command)}\n\n    {usage}\n"]
    if arguments or options:
        lines.append("\n")
    lines += [f"- `{_name(p)}`: {_help(p)}\n" for p in arguments]
    lines += [f"- `{_flags(p)}`: {_help(p)}\n" for p in options]
    return "".join(lines)


def _prose(command: Any) -> str:
    text = inspect.cleandoc(command.help or "")
    return re.sub(r"(?m)^\s+$", "", text).strip()


def _name(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper()


def _usage(parameter: Any) -> str:
    return _name(parameter) if parameter.required else f"[{_name(parameter)}]"


def _flags(parameter: Any) -> str:
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return names + value


def _help(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split())
    more = " May be given several times." if getattr(parameter, "multiple", False) else ""
    return text + ("." if more and not text.endswith((".", "]")) else "") + more

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from governance.cli.main import Composition, build
from governance.cli.reference import PAGE
from governance.describe import commands
from governance.errors import SetupFault


def program(serve=lambda _flags: None):
    return build(Composition(serve, lambda: [("althing", ["counting_rules"])]))


def walk(group, path=()):
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from walk(command, (*path, name))


PROGRAM = program()
COMMANDS = list(walk(typer.main.get_command(PROGRAM)))


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda x: " ".join(x) if isinstance(x, tuple) else ""
)
def test_every_command_has_help(path, command):
    assert command.help
    assert command.help.strip().endswith((".", "?"))
    result = CliRunner().invoke(PROGRAM, [*path, "--help"])
    assert result.exit_code == 0
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{path}: {parameter.name} has no help"


def test_the_reference_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == commands(), "run `make schemas`"


def test_wrong_usage_is_exit_code_2():
    for arguments in (["vote"], ["nonsense"], ["ballot", "new", "x", "--capacity", "much"], ["export"]):
        assert CliRunner().invoke(program(), arguments).exit_code == 2, arguments


def test_version():
    assert CliRunner().invoke(program(), ["--version"]).stdout.startswith("althing ")


def test_flags_of_serve_are_handed_on_and_its_errors_told():
    seen = []

    def serve(flags):
        seen.append(flags)
        raise SetupFault("the port is taken")

    result = CliRunner().invoke(program(serve), ["serve", "--port", "8001", "--rate", "0"])
    assert result.exit_code == 1
    assert "the port is taken" in result.stderr
    assert {k: v for k, v in seen[0].items() if v is not None} == {"port": 8001, "rate": 0}


def test_a_fault_of_our_own_is_told_without_a_traceback():
    def serve(_flags):
        raise ValueError("what nobody thought of")

    result = CliRunner().invoke(program(serve), ["serve"])
    assert result.exit_code == 1
    assert "what nobody thought of" in result.stderr
    assert "Traceback" not in result.output


def test_plugins_are_listed():
    result = CliRunner().invoke(program(), ["plugins", "list", "--json"])
    assert result.exit_code == 0
    assert '"counting_rules"' in result.stdout


def test_a_command_loads_neither_database_nor_web_server():
    """A member waits for what is imported at every command."""
    script = (
        "import sys; from governance.__main__ import composition; from governance.cli.main import build;"
        "build(composition()); print(*sorted(sys.modules.keys() & {'alembic', 'litestar', 'sqlalchemy'}))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []

"""The documentation names what the code has: hooks, settings, problems, schemas, rules, commands, links.

A missing page or heading fails; so does one about something that is gone.
"""

import base64
import dataclasses
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import msgspec
import pytest
import typer
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from prometheus_client import REGISTRY

from governance import errors, hooks, settings
from governance.audit.checks import CLAUSES
from governance.counting.files.count import count_file
from governance.counting.registry import RULES
from governance.counting.rule import Rule
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash, root
from governance.log.tiles import encode_bundle
from governance.plugins import BuiltIn
from governance.signing.envelope import normalise, sign_envelope
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Ed25519Signer

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "schemas").glob("*.md")])


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def headings(source, level):
    return re.findall(rf"^{'#' * level} (.+?)\s*$", without_code(source), re.MULTILINE)


def without_code(source):
    return re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE)


def section(source, heading):
    """From a heading to the next one of the same or a higher level."""
    level = heading.index(" ")
    _, found, rest = source.partition(f"\n{heading}\n")
    assert found, f"there is no section {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def problem_classes():
    found, waiting = [], [errors.GovernanceError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == errors.__name__]


# --- problems


@pytest.mark.parametrize("kind", problem_classes(), ids=lambda kind: kind.code)
def test_every_problem_has_its_section(kind):
    told = section(text("docs/problems.md"), f"## {kind.code}")
    assert "What to do" in told
    if not issubclass(kind, errors.SetupFault):
        assert re.search(rf"Status {kind.status}\b", told), f"{kind.code} is answered with {kind.status}"


def test_no_problem_is_told_of_that_is_gone():
    assert set(headings(text("docs/problems.md"), 2)) == {kind.code for kind in problem_classes()}


# --- hooks


def specifications():
    return {
        name: [p for p in inspect.signature(spec).parameters if p != "self"]
        for name, spec in vars(hooks.Hooks).items()
        if callable(spec) and not name.startswith("_")
    }


def test_every_hook_is_told_of_with_its_exact_arguments():
    expected = {f"{name}({', '.join(arguments)})" for name, arguments in specifications().items()}
    assert set(headings(text("docs/extend.md"), 3)) == expected


def test_values_that_hooks_exchange_are_told_of_with_their_fields():
    told = text("docs/extend.md")
    for value in (hooks.Job, hooks.Exporter, hooks.Event):
        fields = ", ".join(f.name for f in dataclasses.fields(value))
        assert f"`governance.hooks.{value.__name__}({fields})`" in told


def example_plugin():
    (code,) = re.findall(r"^```python\n(.*?)^```", text("docs/extend.md"), re.DOTALL | re.MULTILINE)
    module = types.ModuleType("althing_antiplurality")
    exec(compile(code, "docs/extend.md", "exec"), module.__dict__)
    return module


def test_the_example_plugin_counts(monkeypatch):
    module = example_plugin()
    (rule,) = module.counting_rules()
    assert isinstance(rule, Rule)
    assert (rule.id, rule.version) not in RULES
    monkeypatch.setitem(RULES, (rule.id, rule.version), rule)
    file = {
        "format": "althing/ballot-file/v1",
        "rule": "anti-plurality",
        "options": [{"id": "a"}, {"id": "b"}],
        "ballots": [{"answer": "b", "count": 2}, {"answer": "a"}, {"answer": "c"}],
    }
    found = count_file(json.dumps(file).encode())
    assert found["winners"] == ["a"]
    assert found["ballots"] == {"valid": 3, "blank": 0, "invalid": 1}


def test_the_example_plugin_s_entry_point_is_of_our_group():
    (source,) = re.findall(r"^```toml\n(.*?)^```", text("docs/extend.md"), re.DOTALL | re.MULTILINE)
    assert list(tomllib.loads(source)["project"]["entry-points"]) == [hooks.GROUP]


# --- settings


def test_every_setting_is_in_the_table_with_its_default():
    told = section(text("docs/operate.md"), "## Settings")
    rows = dict(re.findall(r"^\| `(ALTHING_[A-Z_]+)` \| `[^`]*` \| ([^|]*?) \|", told, re.MULTILINE))
    fields = {settings.PREFIX + f.name.upper(): f for f in dataclasses.fields(settings.Settings)}
    assert set(rows) == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, bool):
            assert rows[name] == f"`{'on' if field.default else 'off'}`"
        elif field.default is not None:
            assert rows[name] == f"`{field.default}`"


def test_every_setting_s_flag_is_in_the_table():
    told = section(text("docs/operate.md"), "## Settings")
    for field in dataclasses.fields(settings.Settings):
        flag = f"`--{field.name.replace('_', '-')}"
        assert flag in told, flag


# --- counting rules


def built_in_rules():
    return BuiltIn().counting_rules()


@pytest.mark.parametrize("rule", built_in_rules(), ids=lambda rule: rule.id)
def test_every_rule_is_told_of_with_its_parameters(rule):
    told = section(text("docs/counting.md"), f"## {rule.id}")
    assert f"version {rule.version}." in told
    assert rule.title.split(" with ")[0] in told
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*?) \|", told, re.MULTILINE))
    fields = {f.name: f for f in msgspec.structs.fields(rule.Params)}
    assert set(rows) == set(fields)
    for name, field in fields.items():
        if not field.required and not isinstance(field.default, msgspec.Struct):
            default = "null" if field.default is None else str(field.default)
            assert rows[name].strip('`"') == default.replace("True", "true").replace("False", "false")


def test_no_rule_is_told_of_that_is_gone():
    shared = {"What all rules share", "Ballot files"}
    assert set(headings(text("docs/counting.md"), 2)) - shared == {rule.id for rule in built_in_rules()}


@pytest.mark.parametrize("rule", built_in_rules(), ids=lambda rule: rule.id)
def test_every_rule_s_example_is_counted(rule):
    told = section(text("docs/counting.md"), f"## {rule.id}")
    file, expected = map(json.loads, re.findall(r"^```json\n(.*?)^```", told, re.DOTALL | re.MULTILINE))
    assert file["rule"] == rule.id
    found = count_file(json.dumps(file).encode())
    for name, value in expected.items():
        assert found[name] == value, name


def test_a_ballot_file_example_leaves_no_ballot_out():
    for rule in built_in_rules():
        told = section(text("docs/counting.md"), f"## {rule.id}")
        file = re.findall(r"^```json\n(.*?)^```", told, re.DOTALL | re.MULTILINE)[0]
        assert count_file(file.encode())["ballots"]["invalid"] == 0


# --- verifying by hand


def test_the_program_that_verifies_by_hand_finds_the_signed_root(tmp_path):
    (code,) = re.findall(r"^```python\n(.*?)^```", text("docs/verify.md"), re.DOTALL | re.MULTILINE)
    (tmp_path / "unpack.py").write_text(code)
    key = Ed25519Key(bytes(range(32)))
    entries = [
        normalise(sign_envelope("application/vnd.althing.vote.v1+json", b'{"n":%d}' % n, [key]))
        for n in range(7)
    ]
    log, signer = tmp_path / "log", Ed25519Signer("example.org/log", bytes(32))
    tree = root([leaf_hash(entry) for entry in entries])
    (log / "tile/entries/000.p").mkdir(parents=True)
    (log / "tile/entries/000.p/7").write_bytes(encode_bundle(entries))
    (log / "checkpoint").write_bytes(sign_checkpoint(Checkpoint("example.org/log", 7, tree), [signer]))
    (log / "vkey").write_text(f"{signer.key}\n")
    command = [sys.executable, "unpack.py", "log", "out"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    lines = answer.splitlines()
    assert len(lines) == 8
    assert lines[-1] == f"root {base64.b64encode(tree).decode()}"
    out = tmp_path / "out"
    public = load_pem_public_key((out / "entry-6.pem").read_bytes())
    public.verify((out / "entry-6.sig").read_bytes(), (out / "entry-6.pae").read_bytes())
    public = load_pem_public_key((out / "checkpoint.pem").read_bytes())
    public.verify((out / "checkpoint.sig").read_bytes(), (out / "checkpoint.text").read_bytes())


def test_every_check_of_an_audit_is_in_the_table():
    rows = re.findall(
        r"^\| `([a-z ]+)` \| ", section(text("docs/verify.md"), "## With `althing audit`"), re.MULTILINE
    )
    assert set(rows) == set(CLAUSES)


# --- metrics


def test_every_metric_is_in_the_table():
    importlib.import_module("governance.http.application")
    told = section(text("docs/operate.md"), "## Watching it")
    ours = [m for m in REGISTRY.collect() if m.name.startswith("althing_")]
    names = {f"{m.name}_total" if m.type == "counter" else m.name for m in ours}
    assert names
    assert not sorted(name for name in names if f"| `{name}` |" not in told)


# --- schemas


def test_every_statement_s_schema_is_in_the_protocol():
    protocol = text("schemas/protocol.md")
    names = [path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").glob("*.schema.json")]
    missing = [name for name in names if not re.search(rf"(?<![a-z-]){name}(?![a-z-])", protocol)]
    assert names
    assert not missing


# --- commands


def commands(group, path=("althing",)):
    for name, command in sorted(group.commands.items()):
        here = (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, here)
        elif not command.hidden:
            yield " ".join(here)


def program():
    from governance.cli.main import Composition, build

    return typer.main.get_command(build(Composition(lambda _flags: None, list)))


def test_every_command_is_told_of():
    told = without_code(text("docs/commands.md"))
    found = set(re.findall(r"^#+ `?(althing [a-z -]+?)`?$", told, re.MULTILINE))
    missing = sorted(set(commands(program())) - found)
    assert not missing


# --- links, targets, anchors


def links(path):
    source = without_code(path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", source):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors(path):
    names = re.findall(r"^#+ (.+?)\s*$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in names}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path):
    broken = []
    for link in links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_the_index_leads_to_every_page():
    index = text("docs/README.md")
    pages = [p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md") if p.name != "README.md"]
    assert not [page for page in sorted(pages) if f"]({page})" not in index]


def test_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for path in MARKDOWN:
        named = re.findall(r"(?:^ {4}|`|^\$ )make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, path.name
    assert {"demo", "test"} <= set(re.findall(r"make ([a-z]+)", text("README.md")))


def test_every_runtime_dependency_has_its_line():
    told = text("docs/decisions/0002-dependencies.md")
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(d for name, group in extras.items() if name != "dev" for d in group),
    ]
    names = {re.match(r"[A-Za-z0-9_-]+", requirement)[0] for requirement in wanted}
    assert not sorted(name for name in names if not re.search(rf"^\| [^|]*\b{name}\b", told, re.MULTILINE))


def test_the_version_has_its_heading_in_the_changelog():
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert f"\n## [{version}]" in text("CHANGELOG.md")

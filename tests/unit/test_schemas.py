"""The committed contract is what the code says, and real statements follow it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import federation
import governance
from federation.hints import Sizes
from federation.introductions import Welcome
from governance.cli.schemas import SCHEMAS, schema_files
from governance.replay.result import compute_result
from tests.support.world import World, signed

FILES = schema_files()
LEFT = ("governance.__main__", "governance.cli", "governance.counting.files")


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_committed_schema_is_the_generated_one(name):
    assert Path(SCHEMAS, name).read_text(encoding="utf-8") == FILES[name], "run `make schemas` and commit"


def test_no_schema_of_a_kind_that_is_gone():
    assert {p.name for p in SCHEMAS.glob("*.schema.json")} == set(FILES)


def test_real_statements_follow_their_schemas():
    world = World()
    log = world.ballot()
    alice = world.voters[0]
    log.add(signed(world.vote(log, alice, ["a"]), alice))
    log.add(signed(world.closing(log), world.service))
    for entry in world.instance.entries + world.space.entries + log.entries:
        schema = json.loads(FILES[f"{entry.statement.KIND}.schema.json"])
        jsonschema.validate(json.loads(entry.envelope.payload), schema)
    result = msgspec.to_builtins(compute_result(log.state, bytes(32)))
    jsonschema.validate(result, json.loads(FILES["result.schema.json"]))


def test_the_protocol_names_every_kind():
    text = (SCHEMAS / "protocol.md").read_text(encoding="utf-8")
    missing = [
        n for n in FILES if f"`{n.removesuffix('.schema.json')}`" not in text and n != "result.schema.json"
    ]
    missing = [n for n in missing if n.removesuffix(".schema.json") not in text]
    assert not missing


def integers_of(schema):
    if isinstance(schema, dict):
        if "integer" in (schema.get("type"), *(schema.get("type") or [])):
            yield schema
        assert "number" not in (schema.get("type"), *(schema.get("type") or []))
        for value in schema.values():
            yield from integers_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from integers_of(value)


@pytest.mark.parametrize("name", sorted(set(FILES) - {"result.schema.json"}))
def test_every_integer_is_bounded(name):
    """`canonical.decode` relies on it; see its docstring."""
    for schema in integers_of(json.loads(FILES[name])):
        assert abs(schema["minimum"]) <= 2**53 - 1
        assert schema["maximum"] <= 2**53 - 1 or schema["maximum"] == 253_402_300_799


def decoders():
    """The types that bytes of others are decoded to, but ballot files, whose values the rule bounds."""
    for package in (governance, federation):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.startswith(LEFT) and ".migrations" not in found.name:
                for value in vars(importlib.import_module(found.name)).values():
                    if isinstance(value, msgspec.json.Decoder) and value.type != dict[str, Any]:
                        yield value.type


def test_every_integer_that_another_instance_sends_is_bounded():
    types = list(decoders())
    assert {Welcome, Sizes} <= set(types)
    for kind in types:
        for schema in integers_of(msgspec.json.schema(kind)):
            assert schema["minimum"] >= -(2**53) + 1, kind
            assert schema["maximum"] <= 2**53 - 1, kind


def test_no_statement_leaves_a_value_open():
    """Neither `Any` nor `Raw`: their schemas would be empty."""
    for name, text in FILES.items():
        assert "{}" not in text.replace('"properties": {}', ""), name

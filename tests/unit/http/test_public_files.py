"""The public files over HTTP, and an export that holds the same bytes."""

import json

import pytest

from governance.canonical import digest
from governance.hooks import Exporter
from governance.log.checkpoint import open_checkpoint
from governance.log.merkle import leaf_hash
from governance.log.proofs import verify_inclusion
from governance.log.receipt import parse_receipt
from governance.service import publishing
from governance.signing.note import Ed25519Verifier, parse_vkey
from tests.support.people import key, recorded

LOG = "/logs/spaces/nix/ballots/q1"


@pytest.fixture
def decided(live):
    """A service with a decided ballot of more than one tile of entries."""
    community = live.community
    community.open()
    for number in range(90):
        for who in (100, 101, 102):
            option = "abc"[(number + who) % 3]
            recorded(community.cast(key(who), [option], cast_at=community.now + number))
    community.order("close")
    return live


def test_export_equals_http(decided, tmp_path):
    written = publishing.export(decided.service.store, tmp_path / "public")
    files = sorted(p for p in (tmp_path / "public").rglob("*") if p.is_file())
    assert len(files) == written
    names = {str(p.relative_to(tmp_path / "public")) for p in files}
    assert {
        ".well-known/althing.json",
        "logs/instance/checkpoint",
        "logs/instance/vkey",
        "logs/spaces/nix/tile/0/000.p/9",
        "logs/spaces/nix/ballots/q1/outcome.json",
        "logs/spaces/nix/ballots/q1/tile/0/000",
        "logs/spaces/nix/ballots/q1/tile/0/001.p/19",
        "logs/spaces/nix/ballots/q1/tile/1/000.p/1",
        "logs/spaces/nix/ballots/q1/tile/entries/001.p/19",
    } <= names
    for file in files:
        answer = decided.client.get(f"/{file.relative_to(tmp_path / 'public')}")
        assert answer.status_code == 200, file
        assert answer.content == file.read_bytes(), file


def test_exporters_of_plugins_add_their_files(lite, tmp_path):
    extra = Exporter("note", lambda folder: (folder / "note.txt").write_text("hello") and None)
    publishing.export(lite.service.store, tmp_path / "public", exporters=[extra])
    assert (tmp_path / "public" / "note.txt").read_text() == "hello"


def test_checkpoint_verifies_under_the_published_key(decided):
    vkey = decided.client.get(f"{LOG}/vkey").text.strip()
    verifier = Ed25519Verifier(parse_vkey(vkey))
    checkpoint = open_checkpoint(decided.client.get(f"{LOG}/checkpoint").content, [verifier])
    assert checkpoint.size == decided.client.get("/api/v1/spaces/nix/ballots/q1").json()["size"] == 275


@pytest.mark.parametrize("index", [0, 3, 255, 256, 274])
def test_receipt_of_any_entry_at_the_present_checkpoint(decided, index):
    ballot = "/api/v1/spaces/nix/ballots/q1"
    receipt = parse_receipt(decided.client.get(f"{ballot}/receipts/{index}").content)
    entry = decided.client.get(f"{ballot}/entries/{index}").content
    vkey = decided.client.get(f"{LOG}/vkey").text.strip()
    checkpoint = open_checkpoint(receipt.checkpoint, [Ed25519Verifier(parse_vkey(vkey))])
    verify_inclusion(index, checkpoint.size, leaf_hash(entry), receipt.proof, checkpoint.root)
    assert receipt.index == index


def test_what_is_final_is_cached_for_ever(decided):
    assert "immutable" in decided.client.get(f"{LOG}/tile/0/000").headers["cache-control"]
    assert "immutable" not in decided.client.get(f"{LOG}/checkpoint").headers["cache-control"]
    outcome = decided.client.get("/api/v1/spaces/nix/ballots/q1/outcome")
    assert outcome.headers["etag"] == f'"{digest(outcome.content)}"'
    blob = decided.client.get(f"/blobs/sha256/{digest(outcome.content)[7:]}")
    assert blob.content == outcome.content
    assert "immutable" in blob.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/logs/nothing/checkpoint",
        "/logs/instance",
        "/logs/instance/tile/0/001",
        "/logs/instance/tile/0/000",
        "/logs/instance/tile/0/000.p/9",
        "/logs/instance/tile/1/000.p/1",
        "/logs/instance/tile/0/0",
        "/logs/instance/tile/64/000",
        "/logs/instance/tile/entries/000.p/9",
        "/logs/instance/outcome.json",
        "/logs/../keys/root",
        "/logs/%00/checkpoint",
        "/blobs/sha256/" + "0" * 64,
    ],
)
def test_what_is_not_there(lite, path):
    answer = lite.client.get(path)
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_identity_document(lite):
    document = json.loads(lite.client.get("/.well-known/althing.json").content)
    assert document["payloadType"] == "application/vnd.althing.instance.v1+json"
    assert lite.client.get("/blobs/sha256/xyz").status_code == 400

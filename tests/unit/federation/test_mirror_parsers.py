"""Whatever a stranger writes into an entry, a path or a request: an answer or an error of ours."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import discovery
from federation.copies import DiskCopies
from federation.copy_rows import BALLOT, INSTANCE, SPACE
from federation.discovery import Named, blobs_of, named_logs, scan
from federation.hints import Notes, Sizes
from federation.mirror_files import CopyFiles
from governance.canonical import decode, encode
from governance.errors import GovernanceError, Malformed, NotFound
from governance.signing.envelope import Envelope, Signature, normalise
from governance.statements.base import BlobRef
from governance.statements.space import BallotNotice
from tests.support.mirrors import pair

DIGEST = "sha256:" + "ab" * 32
KINDS = st.sampled_from([INSTANCE, SPACE, BALLOT])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.just({"digest": DIGEST, "length": 5}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def envelope(payload: bytes, kind: str = "outcome") -> bytes:
    made = Envelope(payload, f"application/vnd.althing.{kind}.v1+json", (Signature("k", b"s"),))
    return normalise(made)


@given(KINDS, st.lists(st.binary(max_size=300), max_size=5))
def test_any_entries_can_be_looked_at(kind: str, entries: list[bytes]) -> None:
    named = Named()
    scan(kind, "x.example/instance", b"".join(entries), entries, named)
    assert not named.logs
    assert not named.blobs


@given(
    KINDS, json_values, st.sampled_from(["outcome", "instance", "space-notice", "ballot-notice", "x", "vote"])
)
def test_any_payload_can_be_looked_at(kind: str, value: object, statement: str) -> None:
    data = envelope(json.dumps(value).encode(), statement)
    named = Named()
    scan(kind, "x.example/instance", data, [data], named)
    list(named_logs([data]))
    if '"length": 5' in json.dumps(value) and not (kind == BALLOT and statement == "vote"):
        assert named.blobs == {DIGEST: BlobRef(DIGEST, 5)}
        assert list(blobs_of([data])) == [BlobRef(DIGEST, 5)]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"digest":"sha256:x","length":5}',
        b'{"digest":"%s","length":-1}' % DIGEST.encode(),
        b'{"digest":"%s","length":99999999999}' % DIGEST.encode(),
        b'{"digest":"%s","length":5,"more":1}' % DIGEST.encode(),
        b'{"digest":"%s","length":5.5}' % DIGEST.encode(),
        b'{"a":' * 5_000 + b'{"digest":"x"}' + b"}" * 5_000,
        b'{"digest":"\xff',
        b'"digest"',
    ],
)
def test_what_only_looks_like_a_blob_is_none(payload: bytes) -> None:
    assert not list(blobs_of([envelope(payload)]))


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ("x.example/spaces/nix/ballots/q1", True),
        ("x.example/spaces/nix/ballots/q2", False),
        ("y.example/spaces/nix/ballots/q1", False),
        ("x.example/spaces/other/ballots/q1", False),
        ("x.example/instance", False),
    ],
)
def test_a_ballot_is_only_where_its_space_puts_it(origin: str, named: bool) -> None:
    from governance.signing.note import Ed25519Signer

    vkey = str(Ed25519Signer(origin, b"\1" * 32).key)
    notice = BallotNotice("nix", "q1", DIGEST, origin, vkey, None, 1)
    data = envelope(encode(notice), "ballot-notice")
    found = Named()
    scan(SPACE, "x.example/spaces/nix", data, [data], found)
    assert (origin in found.logs) == named
    # In another kind of log it is no notice at all.
    found = Named()
    scan(INSTANCE, "x.example/spaces/nix", data, [data], found)
    assert not found.logs


def test_a_log_whose_key_has_another_name_is_not_followed() -> None:
    from governance.signing.note import Ed25519Signer

    vkey = str(Ed25519Signer("y.example", b"\1" * 32).key)
    notice = BallotNotice("nix", "q1", DIGEST, "x.example/spaces/nix/ballots/q1", vkey, None, 1)
    found = Named()
    scan(SPACE, "x.example/spaces/nix", b"", [envelope(encode(notice), "ballot-notice")], found)
    assert not found.logs


def test_a_bundle_of_votes_alone_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    vote = envelope(b'{"digest":"x"}', "vote")
    looked = []
    monkeypatch.setattr(discovery, "_look", lambda *given: looked.append(given))
    scan(BALLOT, "x", vote * 3, [vote] * 3, Named())
    assert not looked
    other = envelope(b"{}", "outcome")
    scan(BALLOT, "x", vote * 2 + other, [vote, vote, other], Named())
    assert len(looked) == 1


@given(st.binary(max_size=200))
def test_bodies_are_read_or_refused(data: bytes) -> None:
    for decoder in (msgspec.json.Decoder(Notes), msgspec.json.Decoder(Sizes)):
        try:
            decode(data, decoder)
        except Malformed:
            continue


_two = pair()
_two.pull()
_copy = CopyFiles(_two.us.node, _two.peer)


PATHS = st.from_regex(r"logs/(spaces/nix|instance|[a-z./]*)/(tile/[0-9a-z./]{0,20}|checkpoint)")


@given(st.text(max_size=60) | PATHS)
def test_any_path_is_a_file_or_not_found(path: str) -> None:
    with contextlib.suppress(NotFound):
        assert isinstance(_copy.read(path, 1 << 20), bytes)


def test_copies_on_a_disk(tmp_path: Path) -> None:
    copies = DiskCopies(tmp_path)
    copies.write("a/b/c", b"1")
    copies.write("a/b/c", b"2")
    copies.write("a/d", b"3")
    copies.settle()
    assert list(copies.listing("a")) == ["a/b/c", "a/d"]
    copies.remove("a/b/c")
    copies.remove("a/b/c")
    assert list(DiskCopies(tmp_path).listing("a")) == ["a/d"]
    for path in ("../x", "a/../../x", "/etc/passwd", "a\0"):
        for act in (copies.read, copies.remove, lambda p: copies.write(p, b"")):
            with pytest.raises(GovernanceError):
                act(path)

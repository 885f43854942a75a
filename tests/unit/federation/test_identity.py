"""Identity documents: when our own is renewed, and which of another's follows which."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import identity
from federation.identity import (
    check_chain,
    document_of,
    fingerprint_words,
    follow,
    read_document,
    sync_identity,
    wanted,
)
from governance.errors import GovernanceError, IdentityChanged, InvalidStatement
from governance.replay.instance import WEEK
from governance.service.instance import public, signed
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.entry import Entry
from governance.statements.instance import Federation, Instance
from governance.statements.peer import Peer
from tests.support.fed_nodes import START, MemoryInstance, Network, VirtualClock
from tests.support.fed_service import HOST, real

ROOTS = [Ed25519Key(bytes([i]) * 32) for i in (1, 2, 3)]


def first() -> Entry:
    """A first document, signed by the instance's root."""
    return MemoryInstance("us.example", VirtualClock()).document()


def root() -> PrivateKey:
    return MemoryInstance("us.example", VirtualClock()).root_key


def after(old: Entry, *keys: PrivateKey, **changes: Any) -> Entry:
    """The next document, with changes, signed by keys."""
    document = document_of(old)
    values = {"serial": document.serial + 1, "previous": old.identity}
    return signed(msgspec.structs.replace(document, **{**values, **changes}), *(keys or (root(),)))


def never() -> list[Entry]:
    raise AssertionError("nothing has to be looked up")


# --- following ---


def test_the_first_document_proves_its_id() -> None:
    assert follow(None, first(), never) == first()


def test_a_higher_serial_under_the_same_root_is_enough() -> None:
    later = after(first(), serial=9)
    assert follow(first(), later, never) == later


def test_an_older_one_changes_nothing() -> None:
    later = after(first())
    assert follow(later, first(), never) == later


def test_two_of_one_serial() -> None:
    with pytest.raises(IdentityChanged, match="two documents of serial 2"):
        follow(after(first()), after(first(), name="Other"), never)


def test_a_new_root_is_followed_over_every_step() -> None:
    one = first()
    two = after(one, root(), ROOTS[0], root=public(ROOTS[0]))
    three = after(two, ROOTS[0], ROOTS[1], root=public(ROOTS[1]))
    assert follow(one, three, lambda: [two, three]) == three
    assert follow(None, three, lambda: [one, two, three]) == three


@pytest.mark.parametrize("shown", [[], [0], [1], [2], [0, 1], [0, 2], [1, 0]], ids=str)
def test_a_chain_with_a_gap(shown: list[int]) -> None:
    one = first()
    two = after(one, root(), ROOTS[0], root=public(ROOTS[0]))
    three = after(two, ROOTS[0], ROOTS[1], root=public(ROOTS[1]))
    chain = [one, two, three]
    with pytest.raises(IdentityChanged):
        follow(one, three, lambda: [chain[i] for i in shown])


@pytest.mark.parametrize(
    "change",
    [
        {"keys": (ROOTS[0],)},
        {"serial": 3},
        {"previous": "sha256:" + "0" * 64},
        {"id": "sha256:" + "0" * 64},
        {"origin": "other.example/instance"},
    ],
    ids=["old-root-did-not-sign", "serial", "previous", "id", "origin"],
)
def test_steps_that_do_not_follow(change: dict[str, Any]) -> None:
    keys = change.pop("keys", (root(), ROOTS[0]))
    two = after(first(), *keys, root=public(ROOTS[0]), **change)
    with pytest.raises(IdentityChanged):
        check_chain(first(), [two])


def test_a_chain_that_does_not_begin_at_the_beginning() -> None:
    two = after(first())
    with pytest.raises(IdentityChanged):
        check_chain(None, [two])


# --- reading ---


def test_a_good_document_is_read_until_it_expires() -> None:
    data = first().data
    assert read_document(data, START + WEEK) == first()
    with pytest.raises(IdentityChanged, match="expired"):
        read_document(data, START + WEEK + 1)


def test_valid_for_more_than_a_week_is_refused() -> None:
    document = document_of(first())
    assert document.federation is not None
    longer = msgspec.structs.replace(document.federation, valid_until=START + WEEK + 1)
    with pytest.raises(InvalidStatement, match="week"):
        read_document(signed(msgspec.structs.replace(document, federation=longer), root()).data, START)


def test_who_does_not_federate_is_told_so() -> None:
    plain = msgspec.structs.replace(document_of(first()), federation=None)
    with pytest.raises(InvalidStatement, match="does not federate"):
        read_document(signed(plain, root()).data, START)


def test_another_signature_than_the_roots() -> None:
    with pytest.raises(GovernanceError):
        read_document(signed(document_of(first()), ROOTS[0]).data, START)


def test_another_statement_is_no_document() -> None:
    order = Peer("sha256:" + "0" * 64, "https://x.example", "mirror", "", None, root().member_id, START)
    with pytest.raises(InvalidStatement, match="this is a peer"):
        read_document(signed(order, root()).data, START)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_our_error(data: bytes) -> None:
    with pytest.raises(GovernanceError):
        read_document(data, START)


@given(st.integers(0, 3_000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_the_same_statement(at: int, byte: int) -> None:
    data = bytearray(first().data)
    data[at % len(data)] = byte
    try:
        entry = read_document(bytes(data), START)
    except GovernanceError:
        return
    assert entry.statement == first().statement


def test_words_to_read_aloud() -> None:
    words = fingerprint_words("sha256:" + "00" * 32).split()
    assert len(words) == 12
    assert words[:11] == ["abandon"] * 11
    assert fingerprint_words("sha256:" + "01" + "00" * 31) != fingerprint_words("sha256:" + "00" * 32)


# --- our own ---


def made(old: Instance, now: int, **changes: Any) -> Instance | None:
    own = MemoryInstance("us.example", VirtualClock())
    http = changes.get("http", own.keys.http)
    return wanted(old, "sha256:" + "0" * 64, http, changes.get("vkeys", own.keys.vkeys), now)


def complete() -> Instance:
    """A document as this version makes it."""
    plain = msgspec.structs.replace(document_of(first()), federation=None)
    new = made(plain, START)
    assert new is not None
    return new


def test_an_instance_without_federation_gets_it() -> None:
    new = complete()
    assert new.federation is not None
    assert (new.serial, new.federation.valid_until) == (2, START + WEEK)
    assert new.federation.protocol == identity.PROTOCOL


@pytest.mark.parametrize(
    ("age", "due"), [(0, False), (WEEK // 2 - 1, False), (WEEK // 2, True), (WEEK * 9, True)]
)
def test_renewed_at_half_of_its_time(age: int, due: bool) -> None:
    new = made(complete(), START + age)
    assert (new is not None) is due
    if new is not None:
        assert new.federation is not None
        assert new.federation.valid_until == START + age + WEEK


def test_new_keys_need_a_new_document_at_once() -> None:
    assert made(complete(), START, http=ROOTS[0]) is not None
    assert made(complete(), START, vkeys=[]) is not None


def test_the_contact_stays() -> None:
    old = complete()
    assert isinstance(old.federation, Federation)
    known = msgspec.structs.replace(old, federation=msgspec.structs.replace(old.federation, contact="desk"))
    new = made(known, START + WEEK)
    assert new is not None
    assert new.federation is not None
    assert new.federation.contact == "desk"


def test_a_service_renews_in_its_own_log_while_the_root_key_is_there(tmp_path: Path) -> None:
    clock = VirtualClock()
    with real(tmp_path / "data", Network(), clock) as us:
        node = us.node

        def sync() -> int:
            sync_identity(us.service, node.keys.http, node.keys.vkeys)
            return document_of(node.own.document()).serial

        before = sync()
        assert sync() == before, "nothing to say"
        clock.now += WEEK // 2
        assert sync() == before + 1
        read_document(node.own.document().data, clock.now + WEEK)
        shutil.move(tmp_path / "data" / "keys" / "root", tmp_path / "root")
        clock.now += WEEK // 2
        assert sync() == before + 1, "only the root key signs documents"
        shutil.move(tmp_path / "root", tmp_path / "data" / "keys" / "root")
        assert sync() == before + 2
        log = us.running.client.get("/logs/instance/checkpoint").text
        assert log.startswith(f"{HOST}/instance\n")

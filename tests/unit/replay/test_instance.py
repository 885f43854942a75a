"""The fold of an instance's log: documents that follow each other, keys that come and go, peers, evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.cli.signing import Identity
from governance.errors import (
    BadSignature,
    GovernanceError,
    InvalidStatement,
    NotAuthorised,
    StaleRevision,
)
from governance.log.lineage import name_of, next_origin
from governance.replay.authority import require_service
from governance.replay.instance import WEEK, InstanceState
from governance.replay.space import SpaceState
from governance.signing.envelope import normalise, sign_envelope
from governance.signing.keyfile import PrivateKey
from governance.signing.note import Ed25519Signer
from governance.statements.base import BlobRef
from governance.statements.entry import Entry, key_id, read_entry
from governance.statements.instance import (
    Federation,
    Instance,
    LogSuccessor,
    Operator,
    Revocation,
    SpaceNotice,
    Versions,
)
from governance.statements.peer import Evidence, Peer
from tests.support.world import BASE, NOW, VKEY, World, key, public, signed

SPACE = f"{BASE}/spaces/nix"
OTHER = "sha256:" + "7" * 64


class Grown(World):
    """A world whose instance log goes on."""

    def after(self, **changes: Any) -> Instance:
        """The next document, with changes."""
        state = self.instance.state
        values = {"serial": state.document.serial + 1, "previous": state.document_digest, **changes}
        return msgspec.structs.replace(state.document, **values)

    def add(self, *keys: PrivateKey, **changes: Any) -> int:
        """Record the next document, signed by the root unless told otherwise."""
        return self.instance.add(signed(self.after(**changes), *(keys or (self.root,))))

    def refuse(self, entry: Entry, error: type[GovernanceError], match: str) -> None:
        """The entry is refused, and nothing has changed."""
        before = repr(self.instance.state)
        with pytest.raises(error, match=match):
            self.instance.add(entry)
        assert repr(self.instance.state) == before

    def order(self, **changes: Any) -> Peer:
        """A first order about a peer."""
        who = self.operator.member_id
        first = Peer(OTHER, "https://other.example", "mirror", "known", None, who, NOW)
        return msgspec.structs.replace(first, **changes)


def notice(space: str = "more") -> SpaceNotice:
    return SpaceNotice(space, f"{BASE}/spaces/{space}", VKEY, NOW)


def found() -> Evidence:
    return Evidence("liar.example/instance", BlobRef(OTHER, 100), NOW)


def revoked(who: PrivateKey, origin: str, start: int) -> Revocation:
    return Revocation(key_id(public(who)), origin, start, "stolen")


@pytest.fixture
def world() -> Grown:
    return Grown(voters=0)


# --- documents ---


def test_a_document_follows_the_last(world: Grown) -> None:
    at = world.add(name="New name")
    state = world.instance.state
    assert (state.document.name, state.document_index) == ("New name", at)
    assert state.document_digest == world.instance.entries[at].identity


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"serial": 1}, "serial"),
        ({"serial": 3}, "serial"),
        ({"previous": OTHER}, "serial and previous"),
        ({"previous": None}, "serial and previous"),
        ({"id": OTHER}, "keeps its id"),
        ({"vkey": VKEY + "x"}, "do not change"),
        ({"origin": "other.example/instance"}, "this log is"),
    ],
    ids=str,
)
def test_what_does_not_follow(world: Grown, changes: dict[str, Any], match: str) -> None:
    world.refuse(signed(world.after(**changes), world.root), InvalidStatement, match)


def test_only_the_root_signs(world: Grown) -> None:
    for other in (world.service, world.operator, key(9)):
        world.refuse(signed(world.after(), other), BadSignature, "no signature by")


def test_a_log_begins_with_a_document_of_its_own_root(world: Grown) -> None:
    fresh = InstanceState(f"{BASE}/instance")
    for wrong in (
        signed(notice(), world.service),
        signed(world.identity_document(id=OTHER), world.root),
        signed(world.identity_document(serial=2), world.root),
        signed(world.identity_document(previous=OTHER), world.root),
        signed(world.identity_document(revoked=[revoked(key(9), SPACE, 1)]), world.root),
    ):
        with pytest.raises((InvalidStatement, NotAuthorised)):
            fresh.admit(0, wrong)
    assert fresh.size == 0
    with pytest.raises(InvalidStatement, match="does not follow"):
        fresh.admit(1, signed(world.identity_document(), world.root))


def test_old_bytes_stay_valid(world: Grown) -> None:
    """A document that says nothing of federation is written as before there was any."""
    plain = world.identity_document().to_bytes()
    assert b"federation" not in plain
    assert b"revoked" not in plain


def part(**changes: Any) -> Federation:
    first = Federation(Versions(1, 1), public(key(20)), [VKEY], ["vote"], NOW + WEEK, "")
    return msgspec.structs.replace(first, **changes)


@pytest.mark.parametrize(("until", "good"), [(0, False), (1, True), (WEEK, True), (WEEK + 1, False)])
def test_valid_for_a_week_at_most(world: Grown, until: int, good: bool) -> None:
    document = world.after(federation=part(valid_until=NOW + until))
    if good:
        world.instance.add(signed(document, world.root))
    else:
        world.refuse(signed(document, world.root), InvalidStatement, "a week at most")


def test_versions_that_are_none(world: Grown) -> None:
    document = world.after(federation=part(protocol=Versions(2, 1)))
    world.refuse(signed(document, world.root), InvalidStatement, "protocol versions")


# --- a new root ---


def test_a_new_root_is_signed_for_by_both(world: Grown) -> None:
    new, before = key(50), world.instance.state.document.id
    for keys in ((world.root,), (new,)):
        world.refuse(signed(world.after(root=public(new)), *keys), BadSignature, "no signature by")
    world.add(world.root, new, root=public(new))
    assert world.instance.state.document.id == before
    world.refuse(signed(world.after(), world.root), BadSignature, "no signature by")
    world.add(new)


# --- the service key ---


def test_a_replaced_service_key_signs_nothing_new_here(world: Grown) -> None:
    old, new = world.service, key(51)
    world.refuse(signed(notice(), new), NotAuthorised, "service key")
    world.add(service=public(new))
    for statement in (notice(), found()):
        world.refuse(signed(statement, old), NotAuthorised, "service key")
    world.instance.add(signed(notice(), new))
    world.instance.add(signed(found(), new))


def test_elsewhere_it_stays_good_where_it_is_not_revoked(world: Grown) -> None:
    """The logs of spaces do not say which of their entries are older than a document."""
    old, new = world.service, key(51)
    keys = world.instance.state.keys
    entry = signed(notice(), old)
    world.add(service=public(new))
    require_service(entry, keys, SPACE, 9)
    world.add(revoked=[revoked(old, SPACE, 7)])
    require_service(entry, keys, SPACE, 6)
    require_service(entry, keys, f"{SPACE}/ballots/q1", 9)
    for index in (7, 8):
        with pytest.raises(NotAuthorised, match="revoked in this log from entry 7"):
            require_service(entry, keys, SPACE, index)
    require_service(signed(notice(), new), keys, SPACE, 9)


def test_revocations_only_grow(world: Grown) -> None:
    old, second, third = world.service, key(51), key(52)
    world.add(service=public(second))
    first = revoked(old, SPACE, 7)
    world.add(revoked=[first])
    for weaker in ([], [revoked(old, SPACE, 8)], [revoked(old, f"{SPACE}/x", 7)], [first, first]):
        world.refuse(signed(world.after(revoked=weaker), world.root), InvalidStatement, "revo")
    world.add(revoked=[revoked(old, SPACE, 5)])
    world.add(service=public(third), revoked=[revoked(old, SPACE, 5), revoked(second, SPACE, 9)])
    assert len(world.instance.state.keys.revoked) == 2


def test_what_cannot_be_revoked(world: Grown) -> None:
    for who, match in ((world.service, "of this document"), (key(77), "no service key")):
        document = world.after(revoked=[revoked(who, SPACE, 1)])
        world.refuse(signed(document, world.root), InvalidStatement, match)


def test_in_this_log_the_past_stays(world: Grown) -> None:
    old, new = world.service, key(51)
    world.add(service=public(new))
    here = world.instance.state
    document = world.after(revoked=[revoked(old, here.origin, here.size - 1)])
    world.refuse(signed(document, world.root), InvalidStatement, "from here on")
    world.add(revoked=[revoked(old, here.origin, here.size)])
    world.add()


# --- peers and evidence ---


def succeeding(origin: str, **changes: Any) -> LogSuccessor:
    """The log of that origin goes on."""
    new = next_origin(origin)
    first = LogSuccessor(origin, 3, "00" * 32, 4, new, vkey_of(new), "stolen", NOW)
    return msgspec.structs.replace(first, **changes)


def vkey_of(origin: str) -> str:
    return str(Ed25519Signer(origin, bytes(32)).key)


def test_logs_go_on_one_after_the_other(world: Grown) -> None:
    world.instance.add(signed(notice("more"), world.service))
    more, state = f"{BASE}/spaces/more", world.instance.state
    for origin in (more, f"{more}.2", f"{more}/ballots/q", f"{more}.3", f"{more}/ballots/q.2"):
        assert world.instance.state.log_of(name_of(origin)) == origin
        world.instance.add(signed(succeeding(origin), world.root))
    assert [state.log_of(name) for name in (more, f"{more}/ballots/q")] == [
        f"{more}.4",
        f"{more}/ballots/q.3",
    ]
    assert [new.origin for new in state.successors[more]] == [more, f"{more}.2", f"{more}.3"]


@pytest.mark.parametrize(
    ("origin", "changes", "error", "match"),
    [
        (f"{BASE}/spaces/none", {}, InvalidStatement, "keeps no such log"),
        (f"{BASE}/spaces/none/ballots/q", {}, InvalidStatement, "keeps no such log"),
        (f"{BASE}/instance", {}, InvalidStatement, "keeps no such log"),
        ("other.example/spaces/more", {}, InvalidStatement, "keeps no such log"),
        (f"{BASE}/spaces/more/ballots/q/x", {}, InvalidStatement, "keeps no such log"),
        (f"{BASE}/spaces/more.2", {}, StaleRevision, "goes on as .*/more already"),
        (
            f"{BASE}/spaces/more",
            {"successor": f"{BASE}/spaces/more.3"},
            InvalidStatement,
            "goes on as .*more.2",
        ),
        (
            f"{BASE}/spaces/more",
            {"vkey": vkey_of(f"{BASE}/spaces/more")},
            InvalidStatement,
            "named like another log",
        ),
        (f"{BASE}/spaces/more", {"vkey": "nonsense"}, GovernanceError, "key"),
        (f"{BASE}/spaces/more", {"held": 2}, InvalidStatement, "more entries count"),
    ],
)
def test_what_does_not_go_on(
    world: Grown, origin: str, changes: dict[str, Any], error: type[GovernanceError], match: str
) -> None:
    world.instance.add(signed(notice("more"), world.service))
    world.refuse(signed(succeeding(origin, **changes), world.root), error, match)


def test_only_the_root_key_lets_a_log_go_on(world: Grown) -> None:
    world.instance.add(signed(notice("more"), world.service))
    new = succeeding(f"{BASE}/spaces/more")
    for who in (world.service, world.operator):
        world.refuse(signed(new, who), BadSignature, "no signature by")
    world.add(key(70), world.root, root=public(key(70)))
    world.refuse(signed(new, world.root), BadSignature, "no signature by")
    world.instance.add(signed(new, key(70)))


def test_orders_about_a_peer_follow_each_other(world: Grown) -> None:
    at = world.instance.add(signed(world.order(), world.operator))
    record = world.instance.state.peers[OTHER]
    assert (record.index, record.digest) == (at, world.instance.entries[at].identity)
    for previous in (None, "sha256:" + "0" * 64):
        stale = world.order(state="blocked", previous=previous)
        world.refuse(signed(stale, world.operator), StaleRevision, "newer order")
    world.instance.add(signed(world.order(state="blocked", previous=record.digest), world.operator))
    assert world.instance.state.peers[OTHER].statement.state == "blocked"


def test_orders_are_the_operators(world: Grown) -> None:
    world.refuse(signed(world.order(), world.service), BadSignature, "no signature by")
    other = world.order(operator=world.service.member_id)
    world.refuse(signed(other, world.service), NotAuthorised, "not an operator")
    own = world.order(peer=world.instance.state.keys.instance)
    world.refuse(signed(own, world.operator), InvalidStatement, "no peer of itself")


def test_what_a_former_operator_founded_stays(world: Grown) -> None:
    """The log of a space does not say at which document it was founded."""
    former, present = world.operator, key(60)
    world.add(operators=[Operator(present.member_id, public(present))])
    keys = world.instance.state.keys
    assert list(keys.operators) == [present.member_id]
    for who in (former, present):
        space = SpaceState(f"{BASE}/spaces/nix", keys)
        space.admit(0, signed(world.founding(), who, world.steward))
    for entry, error in (
        (signed(world.founding(), key(61), world.steward), NotAuthorised),
        (signed(world.founding(), world.steward), NotAuthorised),
        (_forged(signed(world.founding(), present, world.steward)), BadSignature),
    ):
        with pytest.raises(error):
            SpaceState(f"{BASE}/spaces/nix", keys).admit(0, entry)
    world.refuse(signed(world.order(), former), NotAuthorised, "not an operator")


def test_an_operator_with_a_second_key_under_the_first_id(world: Grown) -> None:
    first, second = world.operator, key(62)
    world.add(operators=[Operator(first.member_id, public(second))])
    for who in (first, second):
        mine = Identity(who, first.member_id)
        founding = world.founding()
        data = normalise(sign_envelope(founding.payload_type(), founding.to_bytes(), [mine, world.steward]))
        SpaceState(f"{BASE}/spaces/nix", world.instance.state.keys).admit(0, read_entry(data))


def _forged(entry: Entry) -> Entry:
    """The first signature exchanged for the second one's bytes."""
    one, two = entry.envelope.signatures
    both = (msgspec.structs.replace(one, sig=two.sig), two)
    envelope = msgspec.structs.replace(entry.envelope, signatures=both)
    return read_entry(normalise(envelope))


def test_evidence_is_the_services(world: Grown) -> None:
    world.refuse(signed(found(), world.operator), NotAuthorised, "service key")
    world.instance.add(signed(found(), world.service))
    assert world.instance.state.evidence == [found()]


# --- hostile bytes ---


@given(st.data())
def test_a_changed_byte_is_refused_or_the_same_document(data: st.DataObject) -> None:
    world = Grown(voters=0)
    entry = signed(world.after(federation=part(), revoked=[]), world.root)
    raw = bytearray(entry.data)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = read_entry(bytes(raw))
        world.instance.add(changed)
    except GovernanceError:
        return
    assert changed.statement == entry.statement


@given(
    st.lists(
        st.builds(
            Revocation,
            key=st.sampled_from([key_id(public(key(n))) for n in (2, 51, 77)]),
            origin=st.sampled_from([SPACE, f"{BASE}/instance", f"{SPACE}/ballots/q"]),
            start=st.integers(0, 5),
            reason=st.just(""),
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 3), max_size=4),
)
def test_whatever_is_revoked_later_nothing_gets_weaker(first: list[Revocation], keep: list[int]) -> None:
    world = Grown(voters=0)
    world.add(service=public(key(51)))
    try:
        world.add(revoked=first)
    except InvalidStatement:
        return
    before = dict(world.instance.state.keys.revoked)
    later = [first[i] for i in keep if i < len(first)]
    try:
        world.add(revoked=later)
    except InvalidStatement:
        assert {(r.key, r.origin) for r in later} != set(before) or len(later) != len(before)
    now = world.instance.state.keys.revoked
    assert all(now[place] <= start for place, start in before.items())

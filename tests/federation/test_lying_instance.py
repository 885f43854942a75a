"""An instance that follows liars: nothing wrong is accepted, nobody else suffers, it recovers by itself."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import pytest

from federation.hints import Notes
from federation.views import CopyView, EvidencePage, PeerStatus
from governance.audit.run import audit
from governance.canonical import encode
from governance.cli.client import Client
from governance.cli.play.stage import Stage
from governance.cli.signing import load_identity, signed
from governance.cli.space import operator_key
from governance.errors import MalformedRequest, OldCheckpoint
from governance.fetch.http import Website
from governance.log.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.cosignature import cosign
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.tiles import encode_bundle, parse_bundle
from governance.service.answers import InstanceView, Recorded
from governance.service.instance import signed as sign
from governance.signing.note import Ed25519Signer, Note, parse_note
from governance.statements.entry import read_envelope
from governance.statements.peer import Peer, PeerSync
from tests.support import liars, netns
from tests.support.fed_nodes import MemoryLog
from tests.support.liars import Liar, instead
from tests.support.netns import Host
from tests.support.town import Town, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FOLDER = "logs/spaces/nix"
SIZES = (1, 2, 255, 256, 257, 300, 511, 512, 767, 1000)
MEMBERS = 8


@dataclass
class Victim:
    """A running instance with an open ballot; `orders` are what its operator said about each peer."""

    stage: Stage | Host
    town: Town
    orders: dict[str, str] = field(default_factory=dict)
    votes: int = 0
    last: int = -1

    @property
    def url(self) -> str:
        return self.stage.url

    def client(self) -> Client:
        return Client(self.url, timeout=20)

    @property
    def id(self) -> str:
        with self.client() as client:
            return client.get("/instance", InstanceView).id

    def follow(self, liar: Liar, state: str = "mirror") -> None:
        """The operator decides about a liar, and the liar about us."""
        who = load_identity(operator_key(self.stage.data))
        now = int(time.time())
        order = Peer(liar.id, liar.url, state, "", self.orders.get(liar.id), who.member_id, now)
        sent = signed(order, who)
        with self.client() as client:
            client.post("/peers/orders", sent, Recorded)
        self.orders[liar.id] = read_envelope(sent).identity
        liar.befriend(self.id, self.url)

    def contact(self, peer: str) -> None:
        """Do now what would be done later; returns at once."""
        who = load_identity(operator_key(self.stage.data))
        asked = PeerSync(peer, who.member_id, int(time.time()))
        with self.client() as client:
            client.post("/peers/sync", signed(asked, who), PeerStatus)

    def status(self, peer: str) -> PeerStatus:
        with self.client() as client:
            return client.get(f"/peers/{peer}", PeerStatus)

    def copy(self, liar: Liar, log: MemoryLog) -> CopyView | None:
        return next((c for c in self.status(liar.id).copies if c.origin == log.origin), None)

    def size(self, liar: Liar, log: MemoryLog) -> int:
        copy = self.copy(liar, log)
        return 0 if copy is None else copy.size

    def pull(self, liar: Liar, until: Callable[[], bool]) -> None:
        """Have it pull until something was asked, and until that errand has ended."""
        self.nudge(liar)
        wait_until("it asks", until)
        wait_until("it has done", lambda: self.idle(liar), 60)

    def nudge(self, liar: Liar) -> None:
        """The liar sends its news as any instance does; without news the operator asks for contact."""
        try:
            _push(self, liar, space(liar).checkpoint())
        except OldCheckpoint:
            self.contact(liar.id)

    def idle(self, liar: Liar) -> bool:
        return all(e.next_at > time.time() for e in self.status(liar.id).errands if e.kind == "pull")

    def copies(self, liar: Liar, log: MemoryLog, size: int) -> None:
        """Until it has that many entries, as they are, under the signed root."""
        wait_until(f"{log.origin} is copied to {size}", lambda: self.size(liar, log) == size, 60)
        self.has(liar, log, size)

    def has(self, liar: Liar, log: MemoryLog, size: int) -> None:
        """What it publishes as a copy is the true log of that size."""
        if size == 0:
            assert self.size(liar, log) == 0
            return
        files = Website(f"{self.url}/mirrors/{liar.id[7:]}")
        note = parse_note(files.read(f"{FOLDER}/checkpoint", 200_000))
        head = parse_checkpoint(note.text)
        assert (head.size, head.root) == (size, log.root(size))
        entries = []
        for n in range(-(-size // 256)):
            width = min(256, size - 256 * n)
            path = f"{FOLDER}/tile/entries/{n:03d}" + (f".p/{width}" if width < 256 else "")
            entries += parse_bundle(files.read(path, 20_000_000), width)
        assert entries == log.entries[:size]

    def evidence(self) -> EvidencePage:
        with self.client() as client:
            return client.get("/evidence", EvidencePage)

    def vote(self) -> None:
        """One more vote is taken at once, and comes after all others."""
        began = time.monotonic()
        cast = self.town.vote(self.votes % MEMBERS, ("bridge", "school", "well")[self.votes // MEMBERS % 3])
        assert time.monotonic() - began < 30
        self.votes += 1
        assert cast.answer.index == self.last + 1 or self.last < 0, "no vote between was lost"
        self.last = cast.answer.index

    def is_well(self) -> None:
        """It is ready and takes votes."""
        with self.client() as client:
            client.read("/readyz")
        self.vote()


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("victim")
    with Stage(folder / "data", folder / "log", 0, "--rate", "0", "--egress", "local") as stage:
        town = Town(stage.url, stage.data, seed=5)
        town.found(MEMBERS)
        town.open()
        yield Victim(stage, town)


@pytest.fixture
def liar(victim: Victim, request: pytest.FixtureRequest) -> Iterator[Liar]:
    """A peer of the victim that was honest so far, with a space of three entries that is copied."""
    with liars.liar(request.node.name) as made:
        log = made.own.add_space("nix")
        log.append(b"one", b"two")
        victim.follow(made)
        victim.copies(made, log, 3)
        yield made
        made.be_honest()
        victim.follow(made, "observer")
    assert victim.evidence().items == [] or "views" in request.node.name


def space(liar: Liar) -> MemoryLog:
    return liar.own.logs[f"{liar.own.host}/spaces/nix"]


def asked_for(liar: Liar, part: str) -> Callable[[], bool]:
    """Whether somebody asked for such a path since now."""
    start = len(liar.asked)
    return lambda: any(part in path for path in liar.asked[start:])


def recovers(victim: Victim, liar: Liar, size: int) -> None:
    """The liar is itself again, says so like any instance, and is copied; nobody has to help."""
    liar.be_honest()
    if victim.size(liar, space(liar)) < size:
        with contextlib.suppress(OldCheckpoint):
            _push(victim, liar, space(liar).checkpoint())
    victim.copies(liar, space(liar), size)
    row = victim.copy(liar, space(liar))
    assert row is not None
    assert (row.frozen, row.damaged) == (None, None)


def _push(victim: Victim, liar: Liar, note: bytes) -> None:
    url = f"{victim.url}/federation/v1/checkpoints"
    liar.node.client.post(url, encode(Notes([note])), "application/json")


def test_forged_tiles_and_entries_that_fit_each_other(victim: Victim) -> None:
    with liars.liar("forger") as made:
        log = made.own.add_space("nix")
        victim.follow(made)
        victim.copies(made, log, 1)
        for size in SIZES:
            before = log.size
            log.append(*(b"entry %d" % i for i in range(before, size)))
            made.lie = liars.forged(log, FOLDER)
            if size == 1:
                continue
            victim.pull(made, asked_for(made, f"{FOLDER}/tile/entries"))
            victim.has(made, log, before)
            recovers(victim, made, size)
        victim.is_well()
    assert victim.evidence().items == [], "wrong entries under one signed head are no second head"


def _cut(data: bytes) -> bytes:
    return encode_bundle(_entries(data)[:-1])


def _more(data: bytes) -> bytes:
    return encode_bundle([*_entries(data), b"one more"])


def _long(data: bytes) -> bytes:
    return data[:-2] + struct.pack(">H", 65_535)


def _other(data: bytes) -> bytes:
    return encode_bundle([*_entries(data)[:-1], b"another"])


def _twice(data: bytes) -> bytes:
    return data * 2


def _turned(data: bytes) -> bytes:
    return encode_bundle(_entries(data)[::-1])


def _entries(data: bytes) -> list[bytes]:
    found = []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


CHANGES: tuple[Callable[[bytes], bytes], ...] = (
    _cut, _more, _long, _other, _turned, _twice, lambda d: d + b"\0", lambda d: d[:-1], lambda _: b"",
)  # fmt: skip


def test_bundles_that_are_not_exactly_the_entries(victim: Victim, liar: Liar) -> None:
    log = space(liar)
    for change in CHANGES:
        before = log.size
        log.append(b"one more", b"and more")
        liar.lie = liars.bundle_with(change, "spaces/nix", liar)
        victim.pull(liar, asked_for(liar, f"{FOLDER}/tile/entries"))
        victim.has(liar, log, before)
        recovers(victim, liar, before + 2)
    victim.is_well()


ODD: dict[str, Callable[[liars.Handler], None]] = {
    "endless": liars.endless,
    "announced": liars.oversized(17_000_000),
    "bomb": liars.bomb,
    "empty": lambda h: h.give(b""),
    "noise": lambda h: h.give(b"\xff" * 500),
    "error": lambda h: h.give(b"x" * 1_000_000, 500),
    "no-such": lambda h: h.give(b"", 404),
    "teapot": lambda h: h.give(b"{}", 418, {"content-type": "application/problem+json"}),
}
PLACES = {
    "instance": "/logs/instance/checkpoint",
    "space": f"/{FOLDER}/checkpoint",
    "bundle": f"/{FOLDER}/tile/entries/000.p/{{size}}",
    "document": "/.well-known/althing.json",
}


@pytest.mark.parametrize("place", PLACES)
def test_answers_that_are_too_much_or_nothing(victim: Victim, liar: Liar, place: str) -> None:
    log = space(liar)
    for odd in ODD.values():
        before = log.size
        log.append(b"one more")
        _lie_at(victim, liar, place, odd)
        victim.has(liar, log, before)
        recovers(victim, liar, before + 1)
    victim.is_well()


def _lie_at(victim: Victim, liar: Liar, place: str, answer: Callable[[liars.Handler], None]) -> None:
    """Have the victim ask for a file that is answered in another way, and wait until it has done."""
    path = PLACES[place].format(size=space(liar).size)
    liar.lie = instead(path, answer)
    fetched = asked_for(liar, path)
    if place == "document":
        victim.contact(liar.id)
        wait_until("it asks who that is", fetched)
        liar.lie = instead("checkpoint", answer)
    victim.pull(liar, asked_for(liar, "checkpoint") if place == "document" else fetched)


@pytest.mark.parametrize("odd", [liars.trickling, liars.silent], ids=["trickling", "silent"])
def test_a_slow_peer_keeps_nobody_waiting(
    victim: Victim, liar: Liar, odd: Callable[[liars.Handler], None]
) -> None:
    with liars.liar("honest neighbour") as other:
        log = other.own.add_space("nix")
        liar.lie = lambda handler, _path: odd(handler) is None
        for _ in range(3):
            victim.contact(liar.id)
        wait_until("it waits for the slow one", lambda: len(liar.asked) > 3)
        began = time.monotonic()
        victim.follow(other)
        victim.copies(other, log, 1)
        for size in (2, 300):
            log.append(*(b"%d" % i for i in range(log.size, size)))
            victim.nudge(other)
            victim.copies(other, log, size)
            victim.is_well()
        assert time.monotonic() - began < 40, "less than the slow one's deadline"
        victim.follow(other, "observer")
    space(liar).append(b"four")
    recovers(victim, liar, 4)


@pytest.mark.parametrize("place", PLACES)
def test_redirects_are_never_followed(victim: Victim, liar: Liar, place: str) -> None:
    log = space(liar)
    with liars.trap() as (url, came):
        targets = (f"{url}/keys", liars.METADATA, "file:///etc/passwd", "//localhost/x", f"{url}/again")
        for target, status in zip(targets, (301, 302, 303, 307, 308), strict=True):
            before = log.size
            log.append(b"one more")
            _lie_at(victim, liar, place, liars.redirect(target, status))
            victim.has(liar, log, before)
            recovers(victim, liar, before + 1)
        assert came == []
    victim.is_well()


def test_a_document_that_names_another_address(victim: Victim, liar: Liar) -> None:
    """The well-known document says that the instance lives somewhere else: nobody asks there."""
    with liars.trap() as (url, came):
        for target in (url, "http://169.254.169.254", "http://127.0.0.1:1"):
            moved = _moved(liar, target)
            liar.lie = instead("/althing.json", lambda h, data=moved: h.give(data))  # type: ignore[misc]
            victim.contact(liar.id)
            wait_until("it is not believed", lambda: victim.status(liar.id).quarantine is not None)
        assert came == []
        liar.be_honest()
        victim.contact(liar.id)
        wait_until("it is believed again", lambda: victim.status(liar.id).quarantine is None)
        space(liar).append(b"four")
        recovers(victim, liar, 4)
        victim.is_well()


def _moved(liar: Liar, url: str) -> bytes:
    document = liar.own.document().statement
    changed = msgspec.structs.replace(document, base_url=url, serial=document.serial + 1)  # type: ignore[attr-defined]
    return sign(changed, liar.own.root_key).data


def test_stale_checkpoints_change_nothing_and_accuse_nobody(victim: Victim, liar: Liar) -> None:
    log = space(liar)
    log.append(*(b"%d" % i for i in range(300)))
    victim.contact(liar.id)
    victim.copies(liar, log, 303)
    for old in (1, 3, 255, 256, 302):
        liar.lie = instead(f"/{FOLDER}/checkpoint", lambda h, n=old: h.give(log.checkpoint(n)))  # type: ignore[misc]
        victim.pull(liar, asked_for(liar, f"/{FOLDER}/checkpoint"))
        victim.has(liar, log, 303)
    log.append(b"more")
    recovers(victim, liar, 304)
    victim.is_well()


def _by_another_key(log: MemoryLog) -> bytes:
    head = Checkpoint(log.origin, log.size, log.root())
    return sign_checkpoint(head, [Ed25519Signer(log.origin, b"z" * 32)])


def _unsigned(log: MemoryLog) -> bytes:
    return log.checkpoint().replace("— ".encode(), "— x".encode())


def _of_another_log(log: MemoryLog) -> bytes:
    other = MemoryLog(log.origin + "x", b"q" * 32)
    other.append(*log.entries)
    return other.checkpoint()


@pytest.mark.parametrize("make", [_by_another_key, _unsigned, _of_another_log])
def test_checkpoints_that_the_log_did_not_sign(
    victim: Victim, liar: Liar, make: Callable[[MemoryLog], bytes]
) -> None:
    log = space(liar)
    log.append(b"four")
    note = make(log)
    liar.lie = instead(f"/{FOLDER}/checkpoint", lambda h: h.give(note))
    victim.pull(liar, asked_for(liar, f"/{FOLDER}/checkpoint"))
    victim.has(liar, log, 3)
    recovers(victim, liar, 4)
    victim.is_well()


@pytest.mark.parametrize("ahead", [301, 86_400, 2**40])
def test_cosignatures_of_the_future_are_not_kept(victim: Victim, liar: Liar, ahead: int) -> None:
    head = Website(victim.url).read("logs/instance/checkpoint", 200_000)
    note = parse_note(head)
    lines = tuple(cosign(note.text, c, int(time.time()) + ahead) for c in liar.own.keys.witness)
    body = encode(Notes([bytes(Note(note.text, (note.signatures[0], *lines)))]))
    with pytest.raises(MalformedRequest, match="far ahead"):
        liar.node.client.post(f"{victim.url}/federation/v1/cosignatures", body, "application/json")
    kept = parse_note(Website(victim.url).read("logs/instance/checkpoint", 200_000))
    assert all(line not in kept.signatures for line in lines)

    def answer(handler: liars.Handler) -> None:
        handler.give("".join(map(str, lines)).encode())

    start = len(liar.asked)
    liar.lie = instead("/witness/add-checkpoint", answer)
    victim.contact(liar.id)
    wait_until("it asks for cosignatures", lambda: "/witness/add-checkpoint" in liar.asked[start:])
    victim.is_well()


def test_replayed_and_reordered_pushes(victim: Victim, liar: Liar) -> None:
    log = space(liar)
    notes = []
    for size in range(4, 8):
        log.append(b"%d" % size)
        notes.append(encode(Notes([log.checkpoint(size)])))
    url = f"{victim.url}/federation/v1/checkpoints"
    headers = liar.node.client._sign("POST", url, notes[3], "application/json")
    first = httpx.post(url, content=notes[3], headers=headers)
    assert first.status_code == 202
    victim.copies(liar, log, 7)
    asked = len(liar.asked)
    for _ in range(3):
        again = httpx.post(url, content=notes[3], headers=headers)
        assert again.status_code == 409
        assert again.json()["code"] == "replayed"
    for body in (notes[2], notes[0], notes[1], notes[3]):
        with pytest.raises(OldCheckpoint):
            liar.node.client.post(url, body, "application/json")
    other = httpx.post(url, content=notes[0], headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "bad-signature")
    assert not any(f"{FOLDER}/tile" in path for path in liar.asked[asked:]), "nothing was fetched for it"
    victim.has(liar, log, 7)
    victim.is_well()


def test_no_vote_was_lost_and_the_record_is_sound(victim: Victim) -> None:
    victim.vote()
    assert victim.town.view().size == victim.last + 1
    verdict = audit(Website(victim.url))
    assert verdict.passed, [str(check) for check in verdict.failures]


@pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))
@pytest.mark.parametrize(("ours", "theirs"), [(5, 5), (5, 9), (300, 256)], ids=str)
def test_different_views_to_two_peers_are_proven(tmp_path: Path, ours: int, theirs: int) -> None:
    """Two instances on two hosts; both histories that the liar shows them are signed by the log's one key."""
    with (
        netns.lab(tmp_path, 2) as lab,
        liars.liar("two faces", f"{lab.subnet}.254") as one,
    ):
        for host in lab.hosts:
            host.start()
        first, second = (Victim(host, Town(host.url, host.data)) for host in lab.hosts)
        log = one.own.add_space("nix")
        hidden = MemoryLog(log.origin, one.own._seed(log.origin))
        hidden.append(log.entries[0])
        for each, name, size in ((log, b"a", ours), (hidden, b"b", theirs)):
            each.append(*(b"%s %d" % (name, i) for i in range(1, size)))
        one.lie = liars.two_faces(hidden, FOLDER, lab.hosts[1].address)
        _meet(first, second)
        for victim in (first, second):
            victim.follow(one)
        first.copies(one, log, ours)
        second.copies(one, hidden, theirs)
        for judge, peer in ((first, second.id), (second, first.id)):
            judge.contact(peer)
        for judge in (first, second):
            wait_until("it holds evidence", lambda j=judge: j.evidence().items)
            (item,) = judge.evidence().items
            data = Website(judge.url).read(f"blobs/sha256/{item.digest[7:]}", 1_000_000)
            finding = verify_evidence(parse_evidence(data))
            assert finding.origin == log.origin
            assert set(finding.sizes) == {ours, theirs}
            copy = judge.copy(one, log)
            assert copy is not None
            assert copy.frozen == item.digest
            with judge.client() as client:
                client.read("/readyz")


def _meet(first: Victim, second: Victim) -> None:
    for one, another in ((first, second), (second, first)):
        who = load_identity(operator_key(one.stage.data))
        order = Peer(another.id, another.url, "mirror", "", None, who.member_id, int(time.time()))
        with one.client() as client:
            client.post("/peers/orders", signed(order, who), Recorded)

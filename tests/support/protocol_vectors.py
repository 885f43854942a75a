"""Makes `schemas/vectors/`: `python -m tests.support.protocol_vectors`. Every key in them is a test key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from governance.counting.lot import lot_key, lot_order, lot_seed
from governance.counting.threshold import Threshold
from governance.errors import GovernanceError
from governance.replay.result import compute_result, result_bytes
from governance.statements.delegation import DelegationRule
from governance.statements.electorate import summarise
from governance.statements.entry import Entry, read_envelope
from tests.support.evidence_vectors import evidence
from tests.support.world import NOW, Log, World, key, signed

VECTORS = Path(__file__).parents[2] / "schemas" / "vectors"


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def envelopes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Bytes somebody sends, and what a reader makes of them."""
    world = World()
    log = world.ballot()
    vote = signed(world.vote(log, world.voters[0], ["a"]), world.voters[0])
    good = json.loads(vote.data)

    def variant(**changes: Any) -> bytes:
        return json.dumps({**good, **changes}).encode()

    payload = vote.envelope.payload

    def with_payload(data: bytes) -> bytes:
        return variant(payload=b64(data))

    cases: dict[str, tuple[str, bytes]] = {
        "normal-form": ("the layout a log holds", vote.data),
        "white-space-and-other-order": (
            "read, and one identity with the normal form",
            json.dumps(dict(reversed(good.items())), indent=2).encode(),
        ),
        "unknown-field-is-ignored": ("DSSE says to ignore what is not known", variant(comment="hello")),
        "url-safe-base64": (
            "DSSE allows either alphabet",
            variant(payload=good["payload"].replace("+", "-").replace("/", "_")),
        ),
        "duplicate-key": ("two readers could see two votes", b'{"payload":"","payload":' + vote.data[11:]),
        "payload-not-base64": ("", variant(payload="***")),
        "no-signature": ("", variant(signatures=[])),
        "payload-type-beyond-ascii": ("lengths in the PAE would be ambiguous", variant(payloadType="é")),
        "unknown-payload-type": (
            "refused, not guessed at",
            variant(payloadType="application/vnd.althing.wish.v1+json"),
        ),
        "statement-duplicate-key": ("", with_payload(payload[:-1] + b',"cast_at":1}')),
        "statement-float": ("", with_payload(payload.replace(b'"cast_at":1', b'"cast_at":0.1'))),
        "statement-unknown-field": ("", with_payload(payload[:-1] + b',"zeal":1}')),
        "statement-integer-beyond-2-53": (
            "",
            with_payload(json.dumps({**json.loads(payload), "answers": {"q": {"a": 2**53}}}).encode()),
        ),
        "statement-missing-field": ("", with_payload(payload.replace(b'"cast_at"', b'"cast"'))),
        "statement-lone-surrogate": (
            "",
            with_payload(json.dumps({**json.loads(payload), "answers": {"q": "\ud800"}}).encode()),
        ),
        "statement-nested-too-deep": ("", with_payload(b'{"answers":' + b"[" * 40 + b"]" * 40 + b"}")),
    }
    for name, (why, data) in cases.items():
        yield f"envelope-{name}", {"shows": why or name.replace("-", " "), "input": b64(data), **_read(data)}


def _read(data: bytes) -> dict[str, Any]:
    try:
        entry = read_envelope(data)
    except GovernanceError as e:
        return {"expect": e.code}
    return {"expect": "accepted", "identity": entry.identity, "normal_form": b64(entry.data)}


def ballots() -> Iterator[tuple[str, dict[str, Any]]]:
    """A log so far, one more entry, and whether it may follow."""
    builders: dict[str, tuple[str, Callable[[World, Log], Entry]]] = {
        "vote": ("a valid vote", lambda w, g: _vote(w, g, 0, ["a"])),
        "blank-vote": ("null is blank, and valid", lambda w, g: _vote(w, g, 0, None)),
        "vote-not-on-roll": ("", lambda w, g: signed(w.vote(g, key(999), ["a"]), key(999))),
        "vote-signed-by-another-member": (
            "",
            lambda w, g: signed(w.vote(g, w.voters[0], ["a"]), w.voters[1]),
        ),
        "vote-for-unknown-option": ("", lambda w, g: _vote(w, g, 0, ["zz"])),
        "vote-marks-an-option-twice": ("", lambda w, g: _vote(w, g, 0, ["a", "a"])),
        "vote-for-another-definition": (
            "",
            lambda w, g: _vote(w, g, 0, ["a"], definition="sha256:" + "0" * 64),
        ),
        "vote-replaces-an-earlier-one": (
            "the last one counts",
            lambda w, g: _vote(w, g, 2, ["b"], cast_at=NOW + 90),
        ),
        "vote-older-than-one-recorded": ("", lambda w, g: _vote(w, g, 2, ["b"], cast_at=NOW + 1)),
        "vote-recorded-twice": ("one identity, one entry", lambda w, g: g.entries[-1]),
        "vote-with-two-signatures": (
            "",
            lambda w, g: signed(w.vote(g, w.voters[0], ["a"]), w.voters[0], w.voters[1]),
        ),
        "close-before-its-time": ("", lambda w, g: signed(w.closing(g, closed_at=NOW + 9), w.service)),
        "close-with-wrong-count": ("", lambda w, g: signed(w.closing(g, votes=7), w.service)),
        "close-by-a-steward": ("only the service key closes", lambda w, g: signed(w.closing(g), w.steward)),
        "second-opening": ("", lambda w, g: signed(w.opening(g), w.service)),
    }
    for name, (why, build) in builders.items():
        world = World()
        log = world.ballot()
        log.add(_vote(world, log, 2, ["c"]))
        candidate = build(world, log)
        before = _logs(world, log)
        yield (
            f"ballot-{name}",
            {
                "shows": why or name.replace("-", " "),
                **before,
                "entry": b64(candidate.data),
                **_follow(log, candidate),
            },
        )


def _vote(world: World, log: Log, who: int, answer: Any, **changes: Any) -> Entry:
    return signed(world.vote(log, world.voters[who], answer, **changes), world.voters[who])


def _follow(log: Log, entry: Entry) -> dict[str, Any]:
    try:
        log.add(entry)
    except GovernanceError as e:
        return {"expect": e.code, **({"pointer": e.pointer} if e.pointer else {})}
    return {"expect": "accepted"}


def _logs(world: World, log: Log | None) -> dict[str, Any]:
    return {
        name: {"origin": each.state.origin, "entries": [b64(e.data) for e in each.entries]}
        for name, each in (("instance", world.instance), ("space", world.space), ("ballot", log))
        if each is not None
    }


def values() -> Iterator[tuple[str, dict[str, Any]]]:
    """Numbers that every implementation must reach."""
    root, ids = bytes(range(32)), ["alice", "bob", "carol"]
    seed = lot_seed("space.example/2026Q1", root)
    yield (
        "lot-order",
        {
            "shows": "the lot of a question, from ballot origin and opening root, no nonces",
            "ballot": "space.example/2026Q1",
            "open_root": root.hex(),
            "question": "q0",
            "seed": seed.hex(),
            "keys": {i: lot_key(seed, "q0", i).hex() for i in ids},
            "order": list(lot_order(seed, "q0", ids)),
        },
    )
    world = World()
    rows = world.space.state.roll(["member"], "equal")
    yield (
        "electorate-root",
        {
            "shows": "the root over the rows of a roll",
            "rows": msgspec.to_builtins(rows),
            **msgspec.to_builtins(summarise(rows)),
        },
    )
    log = world.ballot()
    for who, answer in enumerate((["a", "b"], ["b"], ["c"])):
        log.add(_vote(world, log, who, answer))
    log.add(_vote(world, log, 2, ["b", "c"], cast_at=NOW + 99))
    open_root = World.root_after(log, log.state.opening_index + 1)
    log.add(signed(world.closing(log), world.service))
    result = compute_result(log.state, open_root)
    yield (
        "result-approval",
        {
            "shows": "a whole ballot with a replaced vote, and the bytes of its result",
            **_logs(world, log),
            "open_root": open_root.hex(),
            "result": result_bytes(result).decode(),
        },
    )


RULE = DelegationRule("energy/heat", "ranked", 3, Threshold(1, 2, strict=False))


def delegations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Delegations in a space's log, the snapshot in a ballot's, and what they come to."""
    builders: dict[str, tuple[str, Callable[[World], Entry]]] = {
        "in-a-topic": ("a valid delegation", lambda w: _delegation(w, 1, scope="topic:energy")),
        "ranked": ("up to five delegates, by preference", lambda w: _delegation(w, 2, 1)),
        "revoked": ("no delegates and no expiry", _delegation),
        "to-oneself": ("", lambda w: _delegation(w, 0)),
        "with-old-sequence": ("", lambda w: _delegation(w, 2, sequence=1)),
        "beyond-the-constitution": ("", lambda w: _delegation(w, 2, expires="2027-Q2")),
        "to-nobody-enrolled": ("", lambda w: _delegation(w, 2, delegates=["sha256:" + "0" * 64])),
        "signed-by-the-delegate": ("", lambda w: signed(w.delegation(0, 2), w.voters[2])),
    }
    for name, (why, build) in builders.items():
        world = World(delegation_quarters=2)
        world.delegate(0, 1)
        candidate = build(world)
        before = _logs(world, None)
        yield (
            f"delegation-{name}",
            {
                "shows": why or name.replace("-", " "),
                **before,
                "entry": b64(candidate.data),
                **_follow(world.space, candidate),
            },
        )
    world = World(7, delegation_quarters=2)
    for who, delegates in ((0, (1,)), (1, (2,)), (3, (4, 2)), (4, (3,)), (5, (2,))):
        world.delegate(who, *delegates, scope="topic:energy")
    log = world.ballot(world.definition(delegation=RULE))
    log.add(_vote(world, log, 2, ["a"]))
    log.add(_vote(world, log, 6, ["b"]))
    open_root = World.root_after(log, log.state.opening_index + 1)
    log.add(signed(world.snapshot(log), world.service))
    log.add(signed(world.closing(log), world.service))
    result = compute_result(log.state, open_root)
    yield (
        "result-delegated",
        {
            "shows": "a chain, a cycle that the second preference leaves, and a cap",
            **_logs(world, log),
            "open_root": open_root.hex(),
            "result": result_bytes(result).decode(),
        },
    )


def _delegation(world: World, *delegates: int, **changes: Any) -> Entry:
    return signed(world.delegation(0, *delegates, **changes), world.voters[0])


def all_vectors() -> dict[str, str]:
    """Every vector file's text by name."""
    found = [*envelopes(), *ballots(), *values(), *delegations(), *evidence()]
    return {f"{name}.json": json.dumps(vector, indent=1) + "\n" for name, vector in found}


def main() -> None:
    """Write the files."""
    VECTORS.mkdir(exist_ok=True)
    for name, text in all_vectors().items():
        (VECTORS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""C2SP tlog-policy, clause by clause."""

from __future__ import annotations

import itertools

import pytest

from governance import limits
from governance.errors import BadSignature, MalformedPolicy, QuorumNotMet, TooLarge
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import Ed25519Cosigner, MlDsaCosigner
from governance.log.policy import Policy, PolicyLog, parse_policy
from governance.signing.note import Ed25519Signer, VerifierKey

ORIGIN = "gov.example/log"
LOG = Ed25519Signer(ORIGIN, bytes([99]) * 32)
COSIGNERS = {
    name: Ed25519Cosigner(f"{name}.example", name.encode() * 16) for name in ("X1", "X2", "X3", "Y1", "Y2")
}
PQ = MlDsaCosigner("pq.example", bytes(32))
NESTED = "\n".join(
    [
        "# two organisations",
        f"log {LOG.key} https://gov.example/log",
        "",
        *(f"\t witness {name}  {c.key} " for name, c in COSIGNERS.items()),
        "group X 2 X1 X2 X3",
        "group Y any Y1 Y2",
        " # inner comment",
        "group Both all X Y",
        "quorum Both",
        "",
    ]
).encode()
W = f"witness W {COSIGNERS['X1'].key}\n"


def test_nested_quorum() -> None:
    policy = parse_policy(NESTED)
    for count in range(6):
        for names in itertools.combinations(COSIGNERS, count):
            expected = sum(n[0] == "X" for n in names) >= 2 and any(n[0] == "Y" for n in names)
            assert policy.satisfied_by([COSIGNERS[n].key for n in names]) is expected


def test_parts() -> None:
    policy = parse_policy(NESTED)
    assert policy.logs == (PolicyLog(LOG.key, "https://gov.example/log"),)
    assert [w.name for w in policy.witnesses] == list(COSIGNERS)
    assert [(g.name, g.threshold) for g in policy.groups] == [("X", 2), ("Y", 1), ("Both", 2)]
    assert parse_policy(str(policy).encode()) == policy


def test_quorum_none_and_one_witness() -> None:
    assert parse_policy(b"quorum none\n").satisfied_by([])
    one = parse_policy(f"{W}quorum W\n".encode())
    assert one.satisfied_by([COSIGNERS["X1"].key])
    assert not one.satisfied_by([COSIGNERS["X2"].key])


def test_the_same_name_with_another_key_is_another_witness() -> None:
    key = COSIGNERS["X1"].key
    impostor = VerifierKey(key.name, key.kind, bytes(32))
    assert not parse_policy(f"{W}quorum W\n".encode()).satisfied_by([impostor])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"log {LOG.key} url more\nquorum none\n", 1),
        ("log\nquorum none\n", 1),
        (f"quorum none\nlog {str(LOG.key)[:-4]}\n", 2),
        (f"log {COSIGNERS['X1'].key}\nquorum none\n", 1),
        (f"log {LOG.key}\nlog {LOG.key}\nquorum none\n", 2),
        (f"log {LOG.key}\nlog {Ed25519Signer('alias', bytes([99]) * 32).key}\nquorum none\n", 2),
        (f"witness W\n{W}quorum none\n", 1),
        (f"witness W {LOG.key}\nquorum none\n", 1),
        (f"{W}witness V {COSIGNERS['X1'].key}\nquorum none\n", 2),
        (f"{W}witness V {Ed25519Cosigner('alias', b'X1' * 16).key}\nquorum none\n", 2),
        (f"{W}witness W {COSIGNERS['X2'].key}\nquorum none\n", 2),
        (f"witness none {COSIGNERS['X1'].key}\nquorum none\n", 1),
        (f"{W}group G all\nquorum none\n", 2),
        (f"{W}group G 0 W\nquorum none\n", 2),
        (f"{W}group G 2 W\nquorum none\n", 2),
        (f"{W}group G 01 W\nquorum none\n", 2),
        (f"{W}group G some W\nquorum none\n", 2),
        (f"{W}group G all W W\nquorum none\n", 2),
        (f"{W}group G all V\nquorum none\n", 2),
        (f"{W}group G all G\nquorum none\n", 2),
        (f"{W}group G all none\nquorum none\n", 2),
        (f"{W}group none all W\nquorum none\n", 2),
        (f"{W}group W all W\nquorum none\n", 2),
        (f"{W}group G all W\ngroup H all W\nquorum none\n", 3),
        (f"{W}group G all W\ngroup H all G W\nquorum none\n", 3),
        (f"group G all W\n{W}quorum G\n", 1),
        ("quorum none\nquorum none\n", 2),
        ("quorum\n", 1),
        ("quorum a b\n", 1),
        (f"quorum W\n{W}", 1),
        ("Quorum none\n", 1),
        ("quorum\N{NO-BREAK SPACE}none\n", 1),
    ],
)
def test_refused_lines(text: str, line: int) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy(text.encode())
    assert caught.value.facts["line"] == line


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"# quorum none\n", b"quorum none", b"quorum none\r\n", b"\xff\nquorum none\n"]
)
def test_refused_files(data: bytes) -> None:
    with pytest.raises(MalformedPolicy):
        parse_policy(data)


def test_room_for_many_and_no_more() -> None:
    keys = [Ed25519Cosigner(f"w{n}", bytes([n]) * 32).key for n in range(32)]
    lines = [f"witness W{n} {key}\n" for n, key in enumerate(keys)]
    lines += [f"group G{n} all {f'G{n - 1} ' if n else ''}W{n}\n" for n in range(32)]
    policy = parse_policy("".join([*lines, "quorum G31\n"]).encode())
    assert policy.satisfied_by(keys)
    assert not policy.satisfied_by(keys[1:])
    with pytest.raises(TooLarge):
        parse_policy(b"#" * limits.POLICY + b"\nquorum none\n")


def test_open() -> None:
    checkpoint = Checkpoint(ORIGIN, 3, bytes(32))
    policy = parse_policy(NESTED)
    signers = [LOG, *(COSIGNERS[n].at(5) for n in ("X1", "X3", "Y2")), PQ.at(5)]
    opened = policy.open(sign_checkpoint(checkpoint, signers))
    assert opened.checkpoint == checkpoint
    assert [c.key.name for c in opened.cosignatures] == ["X1.example", "X3.example", "Y2.example"]
    with pytest.raises(QuorumNotMet) as caught:
        policy.open(sign_checkpoint(checkpoint, signers[:3]))
    assert caught.value.facts["cosigned_by"] == ["X1.example", "X3.example"]
    with pytest.raises(BadSignature):
        policy.open(sign_checkpoint(checkpoint, signers[1:]))


def test_post_quantum_witness_and_log() -> None:
    log = MlDsaCosigner(ORIGIN, b"\7" * 32)
    text = f"log {LOG.key}\nlog {log.key}\nwitness pq {PQ.key}\nquorum pq\n"
    data = sign_checkpoint(Checkpoint(ORIGIN, 3, bytes(32)), [log.at(0), PQ.at(9)])
    assert [c.time for c in parse_policy(text.encode()).open(data).cosignatures] == [9]


def test_a_policy_of_known_logs_only() -> None:
    data = sign_checkpoint(Checkpoint(ORIGIN, 3, bytes(32)), [LOG])
    assert Policy(logs=(PolicyLog(LOG.key),)).open(data).cosignatures == ()
    with pytest.raises(BadSignature):
        Policy().open(data)

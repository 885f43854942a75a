"""Whatever stands in a witness policy or in the file `cosigned`: a typed answer, never another exception."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.checks import Findings
from governance.audit.source import LogFiles
from governance.audit.structure import Rebuilt
from governance.audit.witnesses import check_cosigned, read_cosigned
from governance.errors import GovernanceError
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import EMPTY_ROOT
from governance.replay.definition import check_definition, witness_policy
from governance.signing.note import Ed25519Signer
from tests.support.cosigners import ONE, THREE, TWO, cosigned_by, policy_text
from tests.support.memory import MemoryFiles
from tests.support.world import World

LOG = Ed25519Signer("log.example", bytes(32))
NOTE = cosigned_by(sign_checkpoint(Checkpoint("log.example", 0, EMPTY_ROOT), [LOG]), 7, ONE, TWO)
BALLOT = World().definition()
WORDS = st.sampled_from(
    ["log", "witness", "group", "quorum", "none", "A", "B", "G", "all", "any", "1", "2", "#", "\t", "\n", " "]
    + [str(each.key) for each in (ONE, TWO, THREE)]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.just(policy_text(ONE, TWO))))
def test_a_policy_is_refused_as_such_or_usable(text):
    ballot = msgspec.structs.replace(BALLOT, witness_policy=text)
    refused = None
    try:
        check_definition(ballot, "sha256:" + "0" * 64)
    except GovernanceError as e:
        refused = e.pointer
    if refused is not None:
        assert refused == "/witness_policy"
        return
    policy = witness_policy(ballot)
    assert (policy is None) == (text == "")
    if policy is not None:
        assert not policy.satisfied_by([])
        assert policy.satisfied_by([w.key for w in policy.witnesses])


@given(st.binary(max_size=300), st.integers(0, len(NOTE)), st.integers(0, 40), st.booleans())
def test_any_cosigned_file_is_judged(junk, at, cut, whole):
    data = junk if whole else NOTE[:at] + junk + NOTE[at + cut :]
    files = LogFiles(MemoryFiles({"cosigned": data}), "")
    findings = Findings()
    rebuilt = Rebuilt(files, Checkpoint("log.example", 0, EMPTY_ROOT), findings.about("log.example"))
    check_cosigned(findings.about("log.example"), read_cosigned(files), rebuilt, str(LOG.key))
    (check,) = findings.checks
    assert check.status in {"passed", "failed"}
    if check.status == "passed":
        assert b"log.example\n0\n" in data

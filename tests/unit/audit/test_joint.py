"""Joint ballots judged from public files: of one instance, of all, and of instances that lie."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from governance.audit.alone import audit_log
from governance.audit.asked import Asking
from governance.audit.joint import read_acceptance, read_shard
from governance.audit.run import audit
from governance.canonical import digest, encode, sha256
from governance.errors import AuditFailed, Malformed, NotFound, Refused
from governance.log.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.policy import Policy, PolicyWitness
from governance.replay.joint_manifest import part_origin
from governance.replay.joint_result import joint_bytes
from governance.signing.note import parse_note
from tests.support.cosigners import ONE, cosigned_by
from tests.support.joint import NOW, Joint, decided, log_signer, make_joint
from tests.support.memory import MemoryFiles
from tests.support.world import signed

A, B = {"q": ["a"]}, {"q": ["b"]}
MEMBERS = [[100, 101, 500], [200, 500], [300, 301, 101]]
CAST = [{100: A, 101: B, 500: A}, {200: A}, {300: B, 301: B}]


def ballot(conclude=True) -> Joint:
    joint = decided(CAST, MEMBERS)
    if conclude:
        joint.conclude()
    return joint


def sources(joint: Joint) -> list[MemoryFiles]:
    return [MemoryFiles(community.files()) for community in joint.communities]


def judged(joint: Joint, number: int = 0, *, shards: bool = True):
    """(passed, {name: check} of the joint checks) of an audit of one instance."""
    files = sources(joint)
    others = [f for n, f in enumerate(files) if n != number]
    verdict = audit(files[number], shards=others if shards else ())
    return verdict, {c.name: c for c in verdict.checks if c.name.startswith("joint")}


def test_all_instances_together_recount_the_whole():
    joint = ballot()
    for number in range(3):
        verdict, found = judged(joint, number)
        assert verdict.passed, verdict.failures
        assert {name: c.status for name, c in found.items()} == {"joint": "passed", "joint parts": "passed"}
        assert digest(joint_bytes(joint.result())) in found["joint parts"].detail


def test_one_instance_answers_for_its_own_part_and_says_what_is_missing():
    verdict, found = judged(ballot(), shards=False)
    assert verdict.passed
    assert (found["joint"].status, found["joint parts"].status) == ("passed", "skipped")
    assert "--shard https://c1.example, https://c2.example" in found["joint parts"].detail


def test_witnesses_are_asked_about_the_logs_of_all_parts():
    joint = ballot()
    shown = {}
    for path, note in ((p, d) for c in joint.communities for p, d in c.files().items()):
        if path.endswith("/checkpoint"):
            show(shown, note)
    asking = Asking(WITNESSED, lambda url, _: shown[url])
    files, *others = sources(joint)
    seen = [c for c in audit(files, shards=others, asking=asking).checks if c.name == "seen"]
    assert {c.status for c in seen} == {"passed"}
    assert len(seen) == len({c.log for c in seen}) == len(shown) == 9
    (fork,) = {p.origin for p in joint.manifest.shards if "c2" in p.origin}
    other = sign_checkpoint(Checkpoint(fork, 3, bytes(32)), [log_signer(fork)])
    show(shown, other)
    verdict = audit(files, shards=others, asking=asking)
    assert [(c.log, c.name) for c in verdict.failures] == [(fork, "seen")]
    asking = Asking(WITNESSED, lambda url, _: shown[url])
    assert [c.log for c in audit(files, asking=asking).checks if c.name == "seen"] == [
        "c0.example/instance",
        "c0.example/spaces/club",
        part_origin(joint.manifest, 0),
    ]


WITNESSED = Policy(witnesses=(PolicyWitness("one", ONE.key, "https://one.example"),))


def show(shown, note):
    """The witness's answer about that log, by URL."""
    name = sha256(parse_checkpoint(parse_note(note).text).origin.encode()).hex()
    shown[f"https://one.example/{name}/checkpoint"] = cosigned_by(note, NOW, ONE)


def test_an_accepted_ballot_is_no_failure():
    joint = make_joint([100], [200])
    verdict, found = judged(joint)
    assert verdict.passed, verdict.failures
    assert {name: c.status for name, c in found.items()} == {"joint": "skipped"}


def test_partial_results_and_those_that_supersede_them_are_recounted():
    joint = decided(CAST, MEMBERS)
    joint.conclude(0, 2)
    first = joint.communities[0].space.entries[-1].identity
    verdict, found = judged(joint)
    assert verdict.passed, verdict.failures
    assert "recounted from 2 parts" in found["joint parts"].detail
    club = joint.communities[0]
    club.space.add(signed(joint.outcome(supersedes=first), club.service))
    club.add_blob(joint_bytes(joint.result()))
    verdict, found = judged(joint)
    assert verdict.passed, verdict.failures
    assert "recounted from 3 parts" in found["joint parts"].detail


def lie(joint: Joint, result) -> None:
    """Community 0 logs this result."""
    club = joint.communities[0]
    honest = joint.outcome()
    club.space.add(signed(replace(honest, result=club.add_blob(encode(result))), club.service))
    for other in joint.communities[1:]:
        other.space.add(signed(honest, other.service))
        other.add_blob(joint_bytes(joint.result()))


def test_an_invented_winner_is_found_with_the_files_of_all():
    joint = ballot(conclude=False)
    result = joint.result()
    asked = replace(result.questions[0], winners=["c"])
    lie(joint, replace(result, questions=[asked]))
    verdict, found = judged(joint, shards=False)
    assert verdict.passed
    verdict, found = judged(joint)
    assert not verdict.passed
    assert (found["joint"].status, found["joint parts"].status) == ("passed", "failed")
    assert "the parts give another result" in found["joint parts"].detail
    # The others are honest, but one of them sees that community 0 says something else.
    verdict, found = judged(joint, 1)
    assert "c0.example/spaces/club has logged another result" in found["joint parts"].detail


def test_a_result_that_counts_the_own_part_otherwise_needs_no_other_files():
    joint = ballot(conclude=False)
    result = joint.result()
    sub = replace(result.questions[0].communities[0], totals={"a": "9", "b": "0", "c": "0"})
    asked = replace(result.questions[0], communities=[sub, *result.questions[0].communities[1:]])
    lie(joint, replace(result, questions=[asked]))
    found = judged(joint, shards=False)[1]
    assert found["joint"].status == "failed"
    assert found["joint"].entry == len(joint.communities[0].space.entries) - 1


@pytest.mark.parametrize("change", ["communities", "missing", "manifest"])
def test_a_result_over_other_parts_than_its_outcome(change):
    joint = ballot(conclude=False)
    result = joint.result()
    changed = {
        "communities": {"communities": result.communities[:2]},
        "missing": {"missing": joint.result(0, 1).missing},
        "manifest": {"manifest": "sha256:" + "0" * 64},
    }[change]
    lie(joint, replace(result, **changed))
    assert judged(joint, shards=False)[1]["joint"].status == "failed"


def test_missing_or_damaged_blobs_fail():
    joint = ballot()
    club = joint.communities[0]
    for data in (joint_bytes(joint.result()), b"roll"):
        name = (
            digest(data) if data != b"roll" else club.space.state.joints.popitem()[1].acceptance.roll.digest
        )
        files = club.files()
        del files[f"blobs/sha256/{name[7:]}"]
        checks = {c.name: c for c in audit(MemoryFiles(files)).checks}
        assert checks["joint"].status == "failed"
        files[f"blobs/sha256/{name[7:]}"] = b"{}"
        checks = {c.name: c for c in audit(MemoryFiles(files)).checks}
        assert checks["joint"].status == "failed"


def test_a_part_pinned_elsewhere_is_found():
    joint = ballot(conclude=False)
    honest = joint.outcome()
    moved = [honest.shards[0], replace(honest.shards[1], size=99), honest.shards[2]]
    result = joint.result()
    communities = [result.communities[0], replace(result.communities[1], size=99), result.communities[2]]
    club = joint.communities[0]
    data = encode(replace(result, communities=communities))
    club.space.add(signed(replace(honest, shards=moved, result=club.add_blob(data)), club.service))
    found = judged(joint)[1]["joint parts"]
    assert (found.status, "another size or root" in found.detail) == ("failed", True)


def test_a_member_on_two_rolls_is_found_in_the_files_of_all():
    joint = make_joint(*MEMBERS)
    joint.excluded[2] = []
    joint.open()
    for community, cast in zip(joint.communities, CAST, strict=True):
        for member, answers in cast.items():
            community.vote(member, answers)
        community.decide()
    club = joint.communities[0]
    # Somebody counts nevertheless, over the parts that do go together.
    club.space.add(signed(joint.outcome(0, 1), club.service))
    club.add_blob(joint_bytes(joint.result(0, 1)))
    verdict, found = judged(joint)
    assert verdict.passed, verdict.failures
    assert found["joint parts"].status == "passed"


def test_a_result_without_sub_tallies_fails():
    joint = ballot(conclude=False)
    result = joint.result()
    lie(joint, replace(result, questions=[replace(result.questions[0], communities=[])]))
    assert judged(joint, shards=False)[1]["joint"].status == "failed"


def test_disputes_are_told():
    joint = ballot()
    club = joint.communities[0]
    club.space.add(signed(joint.dispute(), club.service))
    verdict, found = judged(joint)
    assert verdict.passed
    assert "disputed, no joint outcome counts" in found["joint"].detail


# One community read for the others


def test_a_part_is_read_as_its_own_instance_reads_it():
    joint = ballot(conclude=False)
    files = sources(joint)
    assert [read_shard(f, joint.manifest, n) for n, f in enumerate(files)] == joint.tallies()
    record, roll = read_acceptance(files[1], joint.manifest, 1)
    assert record.accepted == joint.acceptances[1]
    assert tuple(roll) == joint.communities[1].frozen


def test_files_of_somebody_else_are_no_part():
    joint = ballot(conclude=False)
    files = sources(joint)
    with pytest.raises(AuditFailed):
        read_shard(files[1], joint.manifest, 0)
    with pytest.raises(NotFound):
        read_acceptance(files[0], replace(joint.manifest, title="Other"), 0)
    other = replace(joint.manifest.shards[0], vkey=joint.manifest.shards[1].vkey)
    renamed = replace(joint.manifest, shards=[other, *joint.manifest.shards[1:]])
    with pytest.raises(AuditFailed, match="is not where"):
        read_acceptance(files[0], renamed, 0)


def test_a_part_that_is_open_is_not_decided():
    joint = make_joint([100], [200])
    with pytest.raises(AuditFailed):
        read_shard(sources(joint)[0], joint.manifest, 0)
    joint.open()
    with pytest.raises(Refused, match="not decided"):
        read_shard(sources(joint)[0], joint.manifest, 0)


def test_flipped_bits_are_no_part():
    joint = ballot(conclude=False)
    files = joint.communities[0].files()
    for path in sorted(files):
        if "/tile/0" in path or path.endswith(("vkey", "outcome.json")):
            continue
        changed = bytearray(files[path])
        changed[len(changed) // 2] ^= 1
        with pytest.raises((AuditFailed, Refused, Malformed)):
            read_shard(MemoryFiles(files | {path: bytes(changed)}), joint.manifest, 0)


def test_a_part_audited_alone_by_its_log():
    joint = ballot()
    folder = "logs/spaces/club/ballots/together/"
    files = {
        p.removeprefix(folder): d for p, d in joint.communities[2].files().items() if p.startswith(folder)
    }
    verdict = audit_log(MemoryFiles(files))
    assert verdict.passed, verdict.failures

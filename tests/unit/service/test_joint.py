"""A joint ballot of two spaces through a running service: accepted, voted, decided, disputed, audited."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from governance.audit.joint import read_acceptance, read_shard
from governance.audit.run import audit
from governance.canonical import digest, encode
from governance.errors import AuditFailed, InvalidStatement, NotFound
from governance.fetch.directory import Directory
from governance.replay.joint_manifest import overlaps, roll_ref, shard_ballot
from governance.service import joint, lifecycle
from governance.service.publishing import export
from governance.statements.ballot import Eligibility
from governance.statements.electorate import summarise
from governance.statements.joint import Differing, JointAcceptance, Manifest, Pooled, Shard
from tests.support.people import Community, entry, key, question, recorded
from tests.support.service import NOW

OPENS, CLOSES, GRACE = NOW + 100, NOW + 1_000, 500


class Two:
    """Two spaces on one instance, with one member in both."""

    def __init__(self, live):
        self.live, self.service = live, live.service
        mill = Community(live.client, live.community.operator, NOW, space="mill", steward=key(5))
        mill.found()
        mill.enrol(key(200), key(100))
        self.spaces = [live.community, mill]
        self.manifest = self._manifest()
        self.name = digest(encode(self.manifest))

    def _manifest(self) -> Manifest:
        document = self.service.instance.document
        shards = []
        for club in self.spaces:
            view = self.live.client.get(club.url).json()
            shards.append(
                Shard(
                    document.id, document.base_url, club.space, view["origin"], view["vkey"], club.space, []
                )
            )
        return Manifest(
            protocol=1, title="Together", text="", ballot="together", quarter=None, questions=[question()],
            eligibility=Eligibility(["member"], "equal"), quorum=None, shards=shards, opens_at=OPENS,
            closes_at=CLOSES, grace=GRACE, minimum=1, partial="count", overlap="first-shard",
            combine=Pooled(), witness_policy="", requires=[],
        )  # fmt: skip

    def rows(self, club):
        state = self.service.states.get(self.service.states.space_origin(club.space), object)
        return state.roll(["member"], "equal")

    def acceptance(self, club) -> JointAcceptance:
        rows = self.rows(club)
        return JointAcceptance(
            space=club.space,
            manifest=encode(self.manifest).decode(),
            roll=roll_ref(rows),
            electorate=summarise(rows),
            signer=club.steward.member_id,
            accepted_at=NOW,
        )

    def accept(self):
        for club in self.spaces:
            recorded(club.post("/joint", self.acceptance(club), club.steward))

    def define(self):
        found = [joint.record_of(self.service, c.space, self.name) for c in self.spaces]
        names = [record.accepted for record in found]
        excluded = overlaps([joint.frozen_roll(self.service, record) for record in found])
        for n, club in enumerate(self.spaces):
            part = shard_ballot(self.manifest, n, names, excluded[n], club.steward.member_id, NOW)
            club.ballots["together"] = entry(part, club.steward)
            recorded(club.post("/ballots", part, club.steward))

    def at(self, now):
        self.live.clock.now = now
        for club in self.spaces:
            club.now = now
        lifecycle.tick(self.service, now)

    def vote(self):
        recorded(self.spaces[0].cast(key(100), ["a"], "together"))
        recorded(self.spaces[0].cast(key(101), ["b"], "together"))
        recorded(self.spaces[1].cast(key(200), ["a"], "together"))

    def tallies(self, *numbers):
        wanted = numbers or (0, 1)
        return [joint.own_tally(self.service, self.spaces[n].space, self.name) for n in wanted]


@pytest.fixture
def two(lite):
    found = Two(lite)
    found.accept()
    found.define()
    return found


def view(two, club=0):
    return two.live.client.get(f"{two.spaces[club].url}/joint/{two.name}").json()


def test_from_acceptance_to_audit(two, tmp_path):
    client = two.live.client
    assert view(two)["state"] == "accepted"
    assert digest(encode(two.manifest)) == two.name
    two.spaces[1].enrol(key(201))  # too late for the frozen roll
    two.at(OPENS)
    two.vote()
    assert two.spaces[1].cast(key(100), ["c"], "together").status_code == 403
    assert two.spaces[1].cast(key(201), ["c"], "together").status_code == 403
    assert joint.own_tally(two.service, "nix", two.name) is None
    two.at(CLOSES)
    for club in two.spaces:
        outcome = joint.record_outcome(two.service, club.space, two.name, two.tallies(), CLOSES)
        assert outcome == joint.record_outcome(two.service, club.space, two.name, two.tallies(), CLOSES + 9)
    answer = client.get(f"{two.spaces[0].url}/joint/{two.name}/result")
    result = answer.json()
    assert (result["status"], result["questions"][0]["winners"]) == ("full", ["a"])
    assert [c["voters_on_roll"] for c in result["communities"]] == [3, 1]
    assert digest(answer.content) == view(two)["outcome"]["result"] == view(two, 1)["outcome"]["result"]
    assert client.get(f"{two.spaces[0].url}/joint").json()["items"][0]["state"] == "decided"
    export(two.service.store, tmp_path)
    verdict = audit(Directory(tmp_path))
    assert verdict.passed, verdict.failures
    checks = [(c.log, c.name, c.status) for c in verdict.checks if c.name.startswith("joint")]
    assert [c[1:] for c in checks] == [("joint", "passed"), ("joint parts", "passed")] * 2
    tally = read_shard(Directory(tmp_path), two.manifest, 1)
    assert tally == two.tallies(1)[0]
    record, roll = read_acceptance(Directory(tmp_path), two.manifest, 1)
    assert (record.position, len(roll)) == (1, 2)
    with pytest.raises(NotFound):
        read_acceptance(Directory(tmp_path), replace(two.manifest, title="Other"), 1)
    shards = [two.manifest.shards[1], two.manifest.shards[0]]
    with pytest.raises((AuditFailed, NotFound)):
        read_shard(Directory(tmp_path), replace(two.manifest, shards=shards), 1)


def test_partial_then_superseded(two, tmp_path):
    two.at(OPENS)
    two.vote()
    two.at(CLOSES)
    with pytest.raises(InvalidStatement, match="before the manifest allows"):
        joint.record_outcome(two.service, "nix", two.name, two.tallies(0), CLOSES)
    first = joint.record_outcome(two.service, "nix", two.name, two.tallies(0), CLOSES + GRACE)
    assert view(two)["state"] == "partial"
    assert view(two)["outcome"]["missing"] == [1]
    second = joint.record_outcome(two.service, "nix", two.name, two.tallies(), CLOSES + GRACE + 1)
    assert second.statement.supersedes == first.digest
    assert (view(two)["state"], view(two)["outcome"]["superseded"]) == ("decided", 1)
    export(two.service.store, tmp_path)
    assert audit(Directory(tmp_path)).passed


def test_a_dispute_leaves_no_result(two):
    two.at(OPENS)
    two.vote()
    two.at(CLOSES)
    with pytest.raises(InvalidStatement, match="no joint outcome"):
        joint.record_dispute(two.service, "nix", two.name, [Differing(1, "sha256:" + "0" * 64)], CLOSES)
    joint.record_outcome(two.service, "nix", two.name, two.tallies(), CLOSES)
    theirs = [Differing(1, "sha256:" + "0" * 64)]
    made = joint.record_dispute(two.service, "nix", two.name, theirs, CLOSES + 1)
    assert joint.record_dispute(two.service, "nix", two.name, theirs, CLOSES + 2) == made
    assert view(two)["state"] == "disputed"
    assert view(two)["dispute"]["theirs"] == [{"shard": 1, "result": "sha256:" + "0" * 64}]
    assert two.live.client.get(f"{two.spaces[0].url}/joint/{two.name}/result").status_code == 404


def test_what_the_endpoint_refuses(two):
    club = two.spaces[0]
    again = club.post("/joint", two.acceptance(club), club.steward)
    assert again.status_code == 200
    assert (
        club.post("/joint", replace(two.acceptance(club), accepted_at=NOW - 1), club.steward).status_code
        == 409
    )
    other = replace(two.manifest, title="Another")
    wrong = replace(two.acceptance(club), manifest=encode(other).decode())
    late = OPENS + 1
    two.live.clock.now = late
    refused = club.post("/joint", replace(wrong, accepted_at=NOW), club.steward)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-statement")
    assert club.post("/joint", club.enrolment(key(300)), key(300), club.steward).status_code == 422
    assert club.post("/joint", replace(wrong, manifest="{}"), club.steward).status_code == 400
    client = two.live.client
    assert client.get(f"{club.url}/joint/sha256:{'0' * 64}").status_code == 404
    assert client.get(f"{club.url}/joint/nonsense").status_code == 400
    assert client.get(f"{club.url}/joint/{two.name}/result").status_code == 404
    assert client.get("/api/v1/spaces/none/joint").status_code == 404


def test_a_draft_that_is_not_the_part_is_refused_at_once(two):
    club = two.spaces[0]
    part = club.ballots["together"].statement
    for changed in (
        replace(part, title="Mine"),
        replace(part, joint=replace(part.joint, excluded=[0, 7])),
        replace(part, joint=replace(part.joint, manifest="sha256:" + "0" * 64)),
    ):
        answer = club.post("/ballots", changed, club.steward)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-definition")


def test_a_restarted_service_opens_the_part_with_the_frozen_roll(two):
    two.spaces[0].enrol(key(300))
    state = two.service.states.space_origin("nix")
    two.service.states.retire(state)
    two.service.load(state)
    two.at(OPENS)
    roll = two.live.client.get(f"{two.spaces[0].url}/ballots/together").json()
    assert (roll["state"], roll["on_roll"]) == ("open", 3)

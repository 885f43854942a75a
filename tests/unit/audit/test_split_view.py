"""A log that shows the auditor another history than its witnesses, and everything that would hide it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from governance.audit.alone import audit_log
from governance.audit.asked import Asking
from governance.audit.run import audit
from governance.canonical import sha256
from governance.errors import NoAnswer, NotFound, TooLarge
from governance.log.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.policy import parse_policy
from governance.signing.note import parse_note
from tests.support.ballots import (
    BALLOT_ORIGIN,
    INSTANCE_ORIGIN,
    SPACE_ORIGIN,
    decide,
    log_folder,
    make_world,
    root_at,
    undecide,
)
from tests.support.cosigners import ONE, STRANGER, THREE, TWO, cosigned_by
from tests.support.logs import public_files
from tests.support.memory import MemoryFiles

NOW = 1_800_000_000
VOTERS = 600
FOLDER = log_folder(BALLOT_ORIGIN)
WITNESSES = {"one": ONE, "two": TWO, "three": THREE}


@cache
def story(lie: bool):
    """A decided ballot; the lie has its votes in another order, so that every check of its own passes."""
    world = make_world(VOTERS)
    if lie:
        undecide(world)
        world.ballot[world.head :] = world.ballot[world.head :][::-1]
        decide(world)
    return world


TRUTH, LIE = False, True


def head(lie, origin=BALLOT_ORIGIN, size=None, entries=None):
    """A head of a story as the log's key signs it."""
    world = story(lie)
    entries = entries or world.logs()[origin]
    size = len(entries) if size is None else size
    return sign_checkpoint(Checkpoint(origin, size, root_at(entries, size)), [world.log_signer(origin)])


class Fickle(MemoryFiles):
    """A source that shows something else once the first witness has been asked."""

    def __init__(self, files, later):
        super().__init__(dict(files))
        self.later = later

    def listing(self):
        return None

    def turn(self):
        self.files |= self.later


class Scene:
    """An audit of a source with three witnesses; `shown` is what they answer by name and origin."""

    def __init__(self, lie=LIE, later=None, quorum="quorum none"):
        self.source = Fickle(story(lie).files(), later or {})
        self.shown = {}
        self.asked = []
        lines = [f"witness {name} {w.key} https://{name}.example/w" for name, w in WITNESSES.items()]
        self.policy = parse_policy(
            "\n".join([*lines, "group two-of-three 2 one two three", quorum, ""]).encode()
        )
        for name in WITNESSES:
            for origin in (INSTANCE_ORIGIN, SPACE_ORIGIN, BALLOT_ORIGIN):
                self.show(name, head(lie, origin))

    def show(self, name, note, *by):
        origin = parse_checkpoint(parse_note(note).text).origin
        self.shown[name, sha256(origin.encode()).hex()] = cosigned_by(note, NOW, *(by or (WITNESSES[name],)))
        return self

    def ask(self, url, limit):
        self.source.turn()
        self.asked.append(url)
        prefix, name, last = url.rsplit("/", 2)
        assert last == "checkpoint"
        found = self.shown.get((prefix.removeprefix("https://").partition(".")[0], name))
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NotFound("never heard of it")
        if len(found) > limit:
            raise TooLarge("too much")
        return found

    def audit(self, **choices):
        asking = Asking(self.policy, self.ask)
        verdict = audit(self.source, asking=asking, **choices)
        self.checks = [c for c in verdict.checks if (c.name, c.log) == ("seen", BALLOT_ORIGIN)]
        self.quorum = [c for c in verdict.checks if (c.name, c.log) == ("quorum", BALLOT_ORIGIN)]
        self.findings = [verify_evidence(parse_evidence(proof)) for proof in asking.evidence]
        return verdict

    def fails(self, *matches):
        verdict = self.audit()
        assert {(c.name, c.log) for c in verdict.failures} == {("seen", BALLOT_ORIGIN)}
        (check,) = self.checks
        for match in matches:
            assert match in check.detail, check.detail
        return self.findings


def test_both_stories_are_fine_by_themselves():
    assert root_at(story(TRUTH).ballot, 9) != root_at(story(LIE).ballot, 9)
    for lie in (TRUTH, LIE):
        scene = Scene(lie)
        assert scene.audit().passed
        (check,) = scene.checks
        assert check.detail.startswith("3 of 3 witnesses have seen this history: one (")
        assert check.numbers == {"witnesses": 3, "asked": 3}
        assert scene.findings == []


SIZE = len(story(LIE).ballot)


@pytest.mark.parametrize("size", [SIZE, SIZE - 1, 513, 512, 511, 257, 256, 255, 9])
def test_another_tree_at_any_size(size):
    (finding,) = Scene().show("two", head(TRUTH, size=size)).fails("two shows another history")
    assert finding.sizes == (size, SIZE)
    assert finding.roots == (root_at(story(TRUTH).ballot, size), root_at(story(LIE).ballot, SIZE))
    assert finding.accused == (story(LIE).vkey(BALLOT_ORIGIN),)


@pytest.mark.parametrize("size", [1, 2, story(LIE).head])
def test_what_they_saw_before_the_fork_is_of_both_histories(size):
    scene = Scene().show("two", head(TRUTH, size=size))
    assert scene.audit().passed
    assert f"two ({size} entries)" in scene.checks[0].detail


def test_tiles_forged_for_the_second_look_do_not_hide_it():
    """The root of the smaller tree is not taken from tiles that do not lead to the signed head."""
    truth = story(TRUTH).files()
    tiles = {p: truth[p] for p in truth if p.startswith(f"{FOLDER}/tile/") and "entries" not in p}
    (finding,) = Scene(later=tiles).show("two", head(TRUTH, size=511)).fails("shows another history")
    assert finding.sizes == (511, SIZE)
    # With the entries exchanged too there is no evidence, but no good verdict either.
    log = {p: truth[p] for p in truth if p.startswith(f"{FOLDER}/tile/")}
    assert Scene(later=log).show("two", head(TRUTH, size=511)).fails("two cannot be compared") == []
    # At the very size that was audited the two notes are enough.
    (finding,) = Scene(later=log).show("two", head(TRUTH)).fails("two shows another history")
    assert finding.kind == "same-size"
    # And whoever exchanges the checkpoint as well has shown both to one auditor.
    log[f"{FOLDER}/checkpoint"] = truth[f"{FOLDER}/checkpoint"]
    (finding,) = Scene(later=log).fails("/checkpoint shows another history")
    assert finding.kind == "same-size"


def grown(lie, more):
    """Public files of the ballot's log with entries behind the last; they are not audited any more."""
    world = story(lie)
    entries = [*world.ballot, *(b"more %d" % i for i in range(more))]
    made = public_files(entries, [world.log_signer(BALLOT_ORIGIN)])
    return entries, {f"{FOLDER}/{path}": data for path, data in made.items()}


def test_the_log_may_grow_while_it_is_audited():
    entries, later = grown(LIE, 7)
    for size in (SIZE + 7, SIZE + 3):
        scene = Scene(later=later).show("two", head(LIE, size=size, entries=entries))
        assert scene.audit().passed
        assert f"two ({size} entries)" in scene.checks[0].detail


def test_tiles_of_the_larger_tree_are_enough():
    """The file `checkpoint` lags behind, as it may in a cache."""
    entries, later = grown(LIE, 7)
    del later[f"{FOLDER}/checkpoint"]
    scene = Scene(later=later).show("two", head(LIE, size=SIZE + 7, entries=entries))
    assert scene.audit().passed
    assert f"two ({SIZE + 7} entries)" in scene.checks[0].detail


def test_full_tiles_stand_for_partial_ones():
    """A log may delete a partial tile once the full one is there."""
    entries, later = grown(LIE, 1024 - SIZE)
    del later[f"{FOLDER}/checkpoint"]
    for size in (SIZE + 7, 770):
        upper = {p: data for p, data in grown(LIE, size - SIZE)[1].items() if "/tile/1/" in p}
        scene = Scene(later=later | upper).show("two", head(LIE, size=size, entries=entries))
        assert scene.audit().passed
        assert f"two ({size} entries)" in scene.checks[0].detail


def test_growing_on_the_other_side_of_a_fork_is_seen():
    """The source has shown the audit a lie, and shows the truth to whoever looks again."""
    entries, later = grown(TRUTH, 7)
    scene = Scene(later=later).show("two", head(TRUTH, size=SIZE + 3, entries=entries))
    (finding,) = scene.fails("this source, asked again, shows another history")
    assert finding.sizes == (SIZE, SIZE + 7)


def test_the_larger_tree_of_a_witness_contradicts():
    """The source serves the tiles of the truth, and still the checkpoint of the lie."""
    entries, later = grown(TRUTH, 7)
    del later[f"{FOLDER}/checkpoint"]
    scene = Scene(later=later).show("two", head(TRUTH, size=SIZE + 7, entries=entries))
    (finding,) = scene.fails("two shows another history")
    assert finding.sizes == (SIZE, SIZE + 7)


def test_an_old_view():
    entries, _ = grown(LIE, 7)
    scene = Scene().show("two", head(LIE, size=SIZE + 7, entries=entries))
    assert scene.fails("two has cosigned", "an old state, or a hidden part") == []


def test_two_witnesses_contradict_each_other_beyond_this_source():
    scene = Scene()
    scene.show("one", head(LIE, size=SIZE + 7, entries=grown(LIE, 7)[0]))
    scene.show("two", head(TRUTH, size=SIZE + 7, entries=grown(TRUTH, 7)[0]))
    (finding,) = scene.fails("two shows another history")
    assert (finding.kind, finding.sizes) == ("same-size", (SIZE + 7, SIZE + 7))


def test_a_witness_of_both_is_accused_too():
    """What is published carries its line, what it shows is something else."""
    for path in ("checkpoint", "cosigned"):
        later = {f"{FOLDER}/{path}": cosigned_by(head(LIE), NOW, ONE, TWO)}
        scene = Scene(later=later)
        scene.source.files |= later
        (finding,) = scene.show("two", head(TRUTH)).fails("two shows another history")[-1:]
        assert (finding.accused[1:] == (str(TWO.key),)) == (path == "checkpoint")


@pytest.mark.parametrize(
    "bad", [b"", b"no note", b"x" * 200_000, head(LIE, SPACE_ORIGIN), NotFound("no"), NoAnswer("down")]
)
def test_bad_answers_do_not_hide_a_split_view(bad):
    scene = Scene().show("three", head(TRUTH, size=300))
    scene.shown["one", sha256(BALLOT_ORIGIN.encode()).hex()] = bad
    (finding,) = scene.fails("three shows another history")
    assert finding.sizes == (300, SIZE)


@pytest.mark.parametrize("by", [STRANGER, ONE], ids=["a stranger", "another witness"])
def test_somebody_elses_log_or_line_is_no_support(by):
    assert Scene().show("two", head(LIE), by).fails("two answers is not right: its signature") == []
    scene = Scene()
    scene.shown["two", sha256(BALLOT_ORIGIN.encode()).hex()] = cosigned_by(head(LIE, SPACE_ORIGIN), NOW, TWO)
    assert scene.fails("what two answers is not right") == []
    # The log has signed it all the same: that is enough to accuse the log.
    (finding,) = Scene().show("two", head(TRUTH, size=300), by).fails("two shows another history")
    assert finding.sizes == (300, SIZE)


def test_another_log_under_the_same_name_is_no_support():
    """A forger with a key of their own under the log's name."""
    forger = replace(story(LIE), seed="forger")
    note = sign_checkpoint(parse_checkpoint(parse_note(head(LIE)).text), [forger.log_signer(BALLOT_ORIGIN)])
    assert Scene().show("two", note).fails("no signature here is by a known key") == []


def test_who_does_not_answer_is_asked_once():
    scene = Scene()
    for key in [key for key in scene.shown if key[0] == "two"]:
        scene.shown[key] = NoAnswer("two is down")
    assert scene.audit().passed
    assert sum("two.example" in url for url in scene.asked) == 1
    assert "2 of 3 witnesses" in scene.checks[0].detail
    assert "no answer of two (two is down)" in scene.checks[0].detail


def test_who_has_seen_nothing_is_no_support():
    scene = Scene()
    for name in WITNESSES:
        scene.show(name, head(LIE, size=0))
    assert scene.audit().passed
    assert (scene.checks[0].status, scene.checks[0].numbers) == ("skipped", {})


def test_the_policy_may_know_the_log():
    scene = Scene()
    lines = str(scene.policy)
    scene.policy = parse_policy(f"log {story(LIE).vkey(BALLOT_ORIGIN)}\n{lines}".encode())
    assert scene.audit().passed
    forger = replace(story(LIE), seed="forger")
    scene.policy = parse_policy(f"log {forger.vkey(BALLOT_ORIGIN)}\n{lines}".encode())
    assert scene.fails("the policy names another key of this log") == []


@pytest.mark.parametrize("file", ["checkpoint", "cosigned"])
def test_the_auditors_own_quorum(file):
    scene = Scene(quorum="quorum two-of-three")
    assert scene.audit().passed
    assert (scene.quorum[0].status, "nobody" in scene.quorum[0].detail) == ("skipped", True)
    scene.source.files[f"{FOLDER}/{file}"] = cosigned_by(head(LIE), NOW, ONE, STRANGER)
    assert scene.audit().passed
    assert (scene.quorum[0].status, "one.example/witness" in scene.quorum[0].detail) == ("skipped", True)
    scene.source.files[f"{FOLDER}/{file}"] = cosigned_by(head(LIE), NOW, ONE, THREE)
    assert scene.audit().passed
    assert scene.quorum[0].status == "passed"
    note = cosigned_by(head(TRUTH), NOW, ONE).splitlines(keepends=True)
    wrong = head(LIE) + note[-1]
    scene.source.files[f"{FOLDER}/{file}"] = wrong
    assert ("quorum", BALLOT_ORIGIN) in {(c.name, c.log) for c in scene.audit().failures}


def test_a_published_note_of_the_other_history():
    scene = Scene(later={f"{FOLDER}/cosigned": cosigned_by(head(TRUTH, size=400), NOW, ONE, TWO)})
    scene.policy = parse_policy(f"{scene.policy}".replace("quorum none", "quorum two-of-three").encode())
    (finding,) = scene.fails("cosigned shows another history")
    assert finding.sizes == (400, SIZE)
    assert scene.quorum[0].status == "skipped"


def test_a_published_note_from_before_the_first_entry():
    scene = Scene(later={f"{FOLDER}/cosigned": cosigned_by(head(LIE, size=0), NOW, ONE)})
    assert scene.audit().passed


def test_a_forked_log_of_the_instance():
    """Nothing below it can be judged; the witnesses are asked all the same."""
    scene = Scene()
    folder = log_folder(INSTANCE_ORIGIN)
    other = sign_checkpoint(
        Checkpoint(INSTANCE_ORIGIN, 2, bytes(32)), [story(LIE).log_signer(INSTANCE_ORIGIN)]
    )
    scene.source.files[f"{folder}/checkpoint"] = other
    verdict = scene.audit()
    assert {c.name for c in verdict.failures} == {"tree", "seen"}
    assert [(f.origin, f.kind) for f in scene.findings] == [(INSTANCE_ORIGIN, "same-size")]


def test_one_log_by_itself():
    files = story(LIE).files()
    only = {p.removeprefix(f"{FOLDER}/"): data for p, data in files.items() if p.startswith(f"{FOLDER}/")}
    scene = Scene().show("two", head(TRUTH, size=300))
    asking = Asking(scene.policy, scene.ask)
    verdict = audit_log(MemoryFiles(only), asking=asking)
    assert [c.name for c in verdict.failures] == ["seen"]
    assert len(asking.evidence) == 1

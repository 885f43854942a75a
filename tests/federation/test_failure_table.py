"""The table of failures: every case has tests that show what happens; docs/failures.md lists just those."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

from federation import errands, hints, mirror, peers, queue
from federation.identity import PROTOCOL
from governance.errors import InvalidStatement, NoAnswer, NotAuthorised
from governance.replay.authority import require_service
from governance.replay.instance import InstanceState
from governance.service.instance import public, signed
from governance.signing.keyfile import Ed25519Key
from governance.statements.entry import key_id, read_entry
from governance.statements.instance import Instance, Revocation, SpaceNotice, Versions
from tests.support.mirrors import Pair, pair

HERE = Path(__file__).parents[2]
PAGE = HERE / "docs" / "failures.md"
UNIT, FAULTS, FED = "tests/unit/federation/", "tests/faults/", "tests/federation/"
LIES = f"{FED}test_lying_instance.py::"

TABLE: dict[str, tuple[str, ...]] = {
    "Partition": (
        f"{FED}test_three_hosts.py::test_partition_loss_and_an_old_backup",
        f"{FED}test_three_hosts.py::test_votes_over_slow_and_lossy_lines",
        f"{FED}test_joint_hosts.py::test_cut_off_and_healed_in_grace",
        f"{FED}test_simulation.py::test_instances_converge",
        "tests/unit/service/test_witness_policy.py::test_counting_waits_for_the_quorum_of_the_close",
    ),
    "A push is lost": (
        f"{FED}test_failure_table.py::test_polling_finds_what_no_push_told",
        f"{UNIT}test_mirror_hints.py::test_a_push_that_is_lost_is_repeated",
    ),
    "Clocks differ": (
        f"{UNIT}test_http_signatures.py::test_but_not_more",
        f"{UNIT}test_peers.py::test_a_clock_that_is_off_is_told",
        f"{LIES}test_cosignatures_of_the_future_are_not_kept",
    ),
    "A request is repeated, or comes late": (
        f"{UNIT}test_peers.py::test_a_repeated_request_changes_nothing",
        f"{LIES}test_replayed_and_reordered_pushes",
    ),
    "A stale checkpoint": (
        f"{UNIT}test_mirror_pull.py::test_an_older_head_is_no_news_and_no_error",
        f"{LIES}test_stale_checkpoints_change_nothing_and_accuse_nobody",
    ),
    "A split view": (
        f"{LIES}test_different_views_to_two_peers_are_proven",
        f"{UNIT}test_compare.py::test_a_split_view_is_proven_from_the_larger_side",
        f"{UNIT}test_compare.py::test_honest_growth_is_never_accused",
        f"{UNIT}test_evidence.py::test_peers_are_told_once_and_act_themselves",
    ),
    "Our own data comes from an old backup": (
        f"{UNIT}test_guard.py::test_an_old_store_takes_its_entries_back_and_goes_on",
        f"{UNIT}test_guard.py::test_held_while_nobody_answers_and_nothing_is_signed",
        f"{UNIT}test_guard.py::test_our_own_second_history_is_an_integrity_fault",
        f"{UNIT}test_restore.py::test_restore_drill",
        f"{UNIT}test_comeback.py::test_an_old_backup_gets_new_cosigners_before_it_takes_an_entry",
        f"{UNIT}test_comeback.py::test_a_lying_log_has_no_evidence_against_who_was_restored",
        f"{UNIT}test_comeback.py::test_a_log_begun_after_the_backup_gets_its_key_from_a_peer",
    ),
    "Two processes write one log": (
        f"{FAULTS}test_two_writers.py::test_second_writer_is_refused_and_the_first_goes_on",
        f"{FAULTS}test_two_writers.py::test_two_writers_racing_never_sign_two_heads_of_one_size",
    ),
    "Bit rot": (
        "tests/unit/service/test_sequencer.py::test_damaged_log_is_not_written_on",
        f"{UNIT}test_mirror_scrub.py::test_what_rots_is_repaired_from_the_original",
        f"{UNIT}test_mirror_scrub.py::test_what_nobody_has_is_marked_and_not_cosigned_until_it_is_repaired",
    ),
    "The service key or the request key is stolen": (
        f"{FED}test_failure_table.py::test_a_revoked_service_key_is_void_from_its_place_on",
        f"{UNIT}test_peers.py::test_a_rotated_request_key_is_looked_up_once_in_five_minutes",
    ),
    "A log key is stolen": (
        f"{UNIT}test_mirror_forks.py::test_a_second_history_of_a_copied_log_is_evidence",
        f"{UNIT}test_mirror_forks.py::test_a_frozen_log_is_left_alone_for_ever",
        f"{UNIT}test_succession.py::test_a_mirror_goes_along_and_its_copy_passes_an_audit",
        f"{UNIT}test_succession.py::test_a_thief_stops_an_instance_until_its_log_goes_on",
        "tests/unit/service/test_succession.py::test_a_ballot_goes_on_and_is_counted",
        "tests/unit/audit/test_succession.py::test_what_was_cut_away_can_be_seen",
    ),
    "The root key is stolen": (
        f"{UNIT}test_peers.py::test_a_new_root_without_the_old_signature_is_quarantined",
        f"{UNIT}test_documents.py::test_a_greeting_with_a_root_that_the_old_one_did_not_sign",
    ),
    "The domain is taken over": (
        f"{UNIT}test_peers.py::test_another_instance_at_the_address_is_quarantined",
        f"{UNIT}test_peers.py::test_a_peer_that_is_itself_again_leaves_quarantine",
    ),
    "An endless, huge or slow body": (
        f"{LIES}test_answers_that_are_too_much_or_nothing",
        f"{LIES}test_a_slow_peer_keeps_nobody_waiting",
        f"{FAULTS}test_egress.py::test_what_trickles_is_left_at_the_deadline",
    ),
    "A decompression bomb": (
        f"{LIES}test_answers_that_are_too_much_or_nothing",
        f"{FAULTS}test_egress.py::test_a_bomb_stays_small",
    ),
    "A malicious bundle": (
        f"{LIES}test_bundles_that_are_not_exactly_the_entries",
        f"{LIES}test_forged_tiles_and_entries_that_fit_each_other",
        f"{UNIT}test_mirror_pull.py::test_a_bundle_that_is_not_exact_changes_nothing",
    ),
    "Requests into the local network": (
        f"{LIES}test_redirects_are_never_followed",
        f"{LIES}test_a_document_that_names_another_address",
        f"{UNIT}test_documents.py::test_a_stranger_makes_us_fetch_nothing",
        "tests/unit/fetch/test_egress.py::test_addresses_inside_are_refused",
    ),
    "Statements of another version": (
        f"{UNIT}test_roadmap_sources.py::test_statements_of_a_later_version_are_passed_over_and_marked",
        f"{UNIT}test_mirror_pull.py::test_a_copy_has_exactly_the_files_of_the_original",
    ),
    "A peer on a newer protocol": (
        f"{FED}test_failure_table.py::test_of_a_peer_on_a_newer_protocol_only_files_are_read",
    ),
    "A slow peer": (
        f"{UNIT}test_plugin.py::test_a_slow_peer_holds_up_no_other",
        f"{LIES}test_a_slow_peer_keeps_nobody_waiting",
    ),
    "Edge cases of Ed25519": (
        "tests/vectors/test_ed25519_edge.py::test_both_libraries_give_one_answer_on_every_case",
        "tests/vectors/test_ed25519_edge.py::test_openssl_alone_would_count_other_votes",
    ),
    "One vote in two envelopes": (
        "tests/unit/signing/test_envelope.py::test_every_layout_of_one_vote_has_one_identity_and_one_normal_form",
        "tests/unit/replay/test_ballot.py::test_duplicates_and_stale_votes",
    ),
    "One voter in two communities": (
        "tests/unit/replay/test_joint.py::test_a_member_of_two_communities_votes_in_the_first_one",
    ),
    "A flood of unknown logs": (
        f"{UNIT}test_witness.py::test_unknown_logs_are_turned_away_before_any_signature_is_looked_at",
        f"{UNIT}test_witness.py::test_floods",
    ),
}
"""Every row of the specification's table, in its order, and the tests that show it."""


@pytest.mark.parametrize("node", sorted({node for nodes in TABLE.values() for node in nodes}))
def test_every_named_test_exists(node: str) -> None:
    path, _, name = node.partition("::")
    tree = ast.parse((HERE / path).read_text("utf-8"))
    found = {item.name for item in tree.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in found


def test_the_page_has_the_same_rows_and_tests() -> None:
    rows = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    shown = {cells[1].strip(): tuple(re.findall(r"`(\w+\.py)` (\w+)", cells[3])) for cells in rows}
    wanted = {case: tuple(_short(node) for node in nodes) for case, nodes in TABLE.items()}
    assert shown == wanted
    assert all(len(cells[2].strip()) > 20 for cells in rows), "each says what happens"


def _short(node: str) -> tuple[str, str]:
    path, _, name = node.partition("::")
    return Path(path).name, name


# --- rows without a test elsewhere ---


def test_polling_finds_what_no_push_told() -> None:
    two = pair()
    two.pull()
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(b"more", b"and more")
    two.network.drop = lambda sender, _host: sender == "them.example"
    with pytest.raises(NoAnswer):
        hints.push(two.them.node, two.us.own.instance)
    two.later()
    two.pull()
    assert two.copy(log).size == log.size


OLD, NEW, THIEF = (Ed25519Key(bytes([n]) * 32) for n in (41, 42, 43))


def test_a_revoked_service_key_is_void_from_its_place_on() -> None:
    """A thief signs on with the old service key; what it signed before that place stays valid for ever."""
    two = pair()
    own = two.them.own
    origin, stolen = "them.example/spaces/nix", own.service_key
    own.service_key = NEW
    revoked = [Revocation(key_id(public(stolen)), origin, 5, "stolen")]
    own.publish_document(service=public(NEW), revoked=revoked)
    state = InstanceState(own.instance_log.origin)
    for index, data in enumerate(own.instance_log.entries):
        state.admit(index, read_entry(data))
    entry = signed(SpaceNotice("x", "them.example/spaces/x", "v", 0), stolen)
    require_service(entry, state.keys, origin, 4)
    for index in (5, 6, 1_000):
        with pytest.raises(NotAuthorised):
            require_service(entry, state.keys, origin, index)
    require_service(signed(entry.statement, NEW), state.keys, origin, 5)
    with pytest.raises(InvalidStatement, match="taken back"):
        state.admit(state.size, read_entry(own.publish_document(service=public(NEW), revoked=[]).data))


def newer(two: Pair) -> None:
    """They speak only a later version from now on."""
    document = two.them.own.document().statement
    assert isinstance(document, Instance)
    assert document.federation is not None
    later = Versions(PROTOCOL.max + 1, PROTOCOL.max + 2)
    two.them.own.publish_document(federation=msgspec.structs.replace(document.federation, protocol=later))


def test_of_a_peer_on_a_newer_protocol_only_files_are_read() -> None:
    two = pair()
    for one, other in ((two.us, two.them), (two.them, two.us)):
        one.own.decide(other.own, "mirror")
        peers.settle(one.node)
    newer(two)
    for _ in range(3):
        errands.run_due(two.us.node)
        two.later(5_000)
    with two.us.node.db.read() as conn:
        kinds = {errand.kind for errand in queue.of_peer(conn, two.peer)}
    assert kinds == {"identity", "pull"}
    log = two.them.own.logs["them.example/spaces/nix"]
    log.append(b"of whatever version")
    mirror.pull(two.us.node, two.peer)
    assert two.copy(log).size == log.size, "public files are the same for every version"

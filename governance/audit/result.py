"""From the folded votes to the published outcome: count, lot, outcome entry, announcement."""

from __future__ import annotations

import msgspec

from governance import limits
from governance.audit.ballot import BallotFold
from governance.audit.checks import Log
from governance.audit.source import LogFiles, blob_path
from governance.audit.structure import Rebuilt
from governance.canonical import digest, parse_json
from governance.errors import GovernanceError, Malformed, Refused
from governance.replay.ballot import BallotState
from governance.replay.result import Result, compute_result, result_bytes, seed_of, winners_of
from governance.statements.closing import Outcome
from governance.statements.space import OutcomeNotice


def check_result(files: LogFiles, log: Log, fold: BallotFold, open_root: bytes | None) -> None:
    """Recomputes the result and compares everything that was published of it."""
    state = fold.state
    outcome = state.outcome
    why = _why_no_result(fold, open_root)
    if why is not None or outcome is None or open_root is None:
        for name in ("count", "lot", "outcome"):
            if fold.refused is None or name != fold.refused.check:
                log.skipped(name, why or "")
        return
    _check_lot(log, state, outcome, open_root, fold.outcome_index)
    try:
        result = compute_result(state, open_root)
    except GovernanceError as e:
        log.fail("count", f"the votes cannot be counted: {e.detail}", fold.outcome_index)
        return
    _check_count(files, log, outcome, result, fold.outcome_index)
    _check_outcome(log, outcome, result, fold.outcome_index)


def _why_no_result(fold: BallotFold, open_root: bytes | None) -> str | None:
    state = fold.state
    if fold.refused is not None or open_root is None:
        return f"judging stopped at entry {state.size}"
    if state.cancellation is not None:
        return "the ballot was cancelled"
    if state.opening is None:
        return "the ballot has not opened"
    if state.close is None:
        return "the ballot is open"
    if state.snapshot is not None and state.chosen is None:
        return "the delegations stand in the space's log, which this source does not hold"
    return "the ballot is closed and not yet decided" if state.outcome is None else None


def _check_lot(log: Log, state: BallotState, outcome: Outcome, open_root: bytes, index: int) -> None:
    seed = seed_of(state, open_root).hex()
    if outcome.open_root != open_root.hex():
        log.fail("lot", "the outcome names another root than the log had right after its opening", index)
    elif outcome.lot_seed != seed:
        log.fail("lot", f"the outcome's lot seed is not the one that the log gives, {seed}", index)
    else:
        log.passed("lot", f"seed {seed}", nonces=len(state.nonces))


def _check_count(files: LogFiles, log: Log, outcome: Outcome, result: Result, index: int) -> None:
    """The recomputed bytes are the ones whose digest was logged, in the blob and in `outcome.json`."""
    data = result_bytes(result)
    published = None
    where: list[tuple[str, bool]] = [(files.path("outcome.json"), not log.unknown)]
    if not log.unknown:
        where.insert(0, (blob_path(outcome.result), True))
    faults: list[tuple[str, str | None]] = []
    for path, needed in where:
        try:
            published = files.files.read(path, limits.BLOB)
        except (Malformed, Refused) as e:
            faults += [(e.detail, path)] if needed else []
            continue
        if published != data:
            faults.append((_difference(published, result), path))
    if (outcome.result.digest, outcome.result.length) != (digest(data), len(data)):
        log.fail("count", f"the votes give another result: {faults[0][0] if faults else digest(data)}", index)
    elif faults:
        log.fail("count", faults[0][0], file=faults[0][1])
    else:
        text = f"{result.votes_accepted} votes recounted, result {digest(data)}"
        log.passed("count", text, votes=result.votes_accepted, questions=len(result.questions))


def _difference(published: bytes, result: Result) -> str:
    """Which parts of the published result are not the recomputed ones."""
    try:
        theirs = parse_json(published)
    except Malformed as e:
        return f"the published result cannot be read: {e.detail}"
    ours = msgspec.to_builtins(result)
    if not isinstance(theirs, dict):
        return "the published result is no JSON object"
    names = sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))
    return f"the published result differs in {', '.join(names)[:200] or 'its layout'}"


def _check_outcome(log: Log, outcome: Outcome, result: Result, index: int) -> None:
    winners = winners_of(result)
    if outcome.winners != winners:
        log.fail("outcome", f"the outcome names {outcome.winners}, the votes elect {winners}", index)
        return
    text = "; ".join(f"{question}: {', '.join(names) or 'nothing'}" for question, names in winners.items())
    log.passed("outcome", f"winners {text}", entry=index)


def check_publication(
    log: Log, fold: BallotFold, notice: OutcomeNotice | None, rebuilt: Rebuilt, space: str
) -> None:
    """That the space's log announces exactly this outcome, pinned to this log."""
    outcome = fold.state.outcome
    if fold.refused is not None or not rebuilt.complete:
        log.skipped("publication", f"judging stopped at entry {fold.state.size}")
    elif notice is None and outcome is None:
        log.skipped("publication", _why_no_result(fold, b"") or "there is no outcome yet")
    elif notice is None:
        log.fail("publication", f"{space} does not announce this outcome", fold.outcome_index)
    elif outcome is None:
        log.fail("publication", f"{space} announces an outcome that is not in this log", notice.size - 1)
    elif (wrong := _wrong_notice(fold, notice, outcome, rebuilt.roots)) is not None:
        log.fail("publication", f"{space} announces this outcome with another {wrong}", fold.outcome_index)
    else:
        log.passed("publication", f"announced by {space} at size {notice.size}", size=notice.size)


def _wrong_notice(
    fold: BallotFold, notice: OutcomeNotice, outcome: Outcome, roots: dict[int, bytes]
) -> str | None:
    if notice.outcome != fold.state.outcome_digest:
        return "digest"
    if notice.winners != outcome.winners:
        return "list of winners"
    if notice.size <= fold.outcome_index:
        return "size of this log"
    root = roots.get(notice.size)
    return None if root is not None and root.hex() == notice.root else "root of this log"

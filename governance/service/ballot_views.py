"""Reads about ballots: drafts and logged ones, votes, the roll, outcomes."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from governance.errors import NotFound
from governance.service import ballots, cosigned
from governance.service.answers import (
    BallotBrief,
    BallotPage,
    BallotView,
    RollRow,
    VoteBrief,
    VotePage,
    VoterView,
)
from governance.service.ballots import StoredDraft
from governance.service.core import Service
from governance.service.pages import Page, cut, select
from governance.service.queries import space_log
from governance.service.states import LiveBallot
from governance.statements.electorate import Electorate, Voter, voter_key
from governance.statements.entry import read_entry
from governance.statements.vote import Vote
from governance.store import blobs, entries
from governance.store.entries import LogHead, table_of
from governance.store.projected import BallotRow, VoteRow

_ballots: Final = table_of(BallotRow)
_votes: Final = table_of(VoteRow)
_STATES: Final = {"defined": "draft"}
"""Phases whose name in answers is another."""


def ballot_view(service: Service, space: str, ballot: str) -> BallotView:
    """One ballot.

    Raises:
        NotFound: no such space, or no such ballot in it.
    """
    with service.store.snapshot() as conn:
        space_log(service, conn, space)
        row = conn.execute(
            sa.select(_ballots).where(_ballots.c.space == space, _ballots.c.ballot == ballot)
        ).first()
        if row is not None:
            head = entries.head(conn, service.states.ballot_origin(space, ballot))
            (definition,) = entries.read_entries(conn, head.id, 0, 1)
            result = json.loads(blobs.get_blob(conn, row.result)) if row.result else None
            covered = head.size if row.close is None else row.close + 1
            view = _logged(service, row, head, definition, result)
            status, cosigners = cosigned.standing(conn, head, covered)
            return msgspec.structs.replace(view, checkpoint_status=status, cosigners=cosigners)
    return _draft(ballots.draft_of(service.store, space, ballot))


def _logged(service: Service, row: Any, head: LogHead, definition: bytes, result: Any) -> BallotView:
    live = _live(service, head.name)
    votes, voters = (live.casts.accepted, live.casts.voters) if live else (row.votes or 0, 0)
    asked = live is not None and live.definition is not None and live.definition.ballot.quorum is not None
    quorum = live.quorum_met() if live and asked else None
    if result is not None:
        votes, voters = result["votes_accepted"], result["voters"]
        quorum = {"met": True, "missed": False}.get(result["quorum"])
    return BallotView(
        ballot=row.ballot,
        space=row.space,
        title=row.title,
        state=_STATES.get(row.phase, row.phase),
        digest=row.definition,
        definition=msgspec.Raw(definition),
        origin=head.origin,
        vkey=head.vkey,
        quarter=row.quarter,
        opens_at=row.opens_at,
        opened_at=row.opened_at,
        closes_at=row.closes_at,
        closed_at=row.closed_at,
        extended=bool(row.extended),
        size=head.size,
        votes=votes,
        voters=voters,
        on_roll=row.voters or 0,
        quorum_met=quorum,
        outcome=row.outcome,
        result=row.result,
        winners=json.loads(row.winners) if row.winners else None,
        reason=row.reason,
    )


def _live(service: Service, origin: str) -> LiveBallot | None:
    try:
        return service.states.get(origin, LiveBallot)
    except NotFound:
        return None


def _draft(draft: StoredDraft) -> BallotView:
    ballot = draft.statement
    return BallotView(
        ballot=ballot.ballot,
        space=ballot.space,
        title=ballot.title,
        state="draft",
        digest=draft.identity,
        definition=msgspec.Raw(draft.entry.data),
        origin=ballot.origin,
        vkey=None,
        quarter=ballot.quarter,
        opens_at=ballot.opens_at,
        opened_at=None,
        closes_at=ballot.closes_at,
        closed_at=None,
        extended=False,
        size=0,
        votes=0,
        voters=0,
        on_roll=0,
        quorum_met=None,
        outcome=None,
        result=None,
        winners=None,
        reason=None,
        checkpoint_status="provisional" if ballot.witness_policy else "unwitnessed",
    )


def ballot_page(service: Service, space: str, page: Page, state: str | None) -> BallotPage:
    """Ballots by id, drafts among them, in one state if given.

    Raises:
        NotFound: no such space here.
    """
    after = page.after or ""
    with service.store.read() as conn:
        space_log(service, conn, space)
        chosen = sa.select(_ballots).where(_ballots.c.space == space, _ballots.c.ballot > after)
        if state is not None and state != "draft":
            chosen = chosen.where(_ballots.c.phase == state)
        rows = conn.execute(chosen.order_by(_ballots.c.ballot).limit(page.limit + 1)).all()
    found = [] if state == "draft" else [_brief(service, row) for row in rows]
    if state in {None, "draft"}:
        drafts = (d for d in ballots.drafts(service.store, space) if d.statement.ballot > after)
        found += [_draft_brief(d) for d in drafts]
    items, following = cut(sorted(found, key=lambda b: b.ballot), page, "ballot")
    return BallotPage(list(items), following)


def _brief(service: Service, row: Any) -> BallotBrief:
    origin = service.states.ballot_origin(row.space, row.ballot)
    state = _STATES.get(row.phase, row.phase)
    return BallotBrief(
        row.ballot, row.title, state, row.definition, row.quarter, row.opens_at, row.closes_at, origin
    )


def _draft_brief(draft: StoredDraft) -> BallotBrief:
    b = draft.statement
    return BallotBrief(
        b.ballot, b.title, "draft", draft.identity, b.quarter, b.opens_at, b.closes_at, b.origin
    )


def ballot_log(service: Service, conn: sa.Connection, space: str, ballot: str) -> LogHead:
    """The head of a ballot's log.

    Raises:
        NotFound: no such ballot, or it has not opened.
    """
    try:
        return entries.head(conn, service.states.ballot_origin(space, ballot))
    except NotFound:
        raise NotFound(f"there is no opened ballot {ballot} in {space}") from None


def vote_page(service: Service, space: str, ballot: str, page: Page) -> VotePage:
    """Latest votes by voter.

    Raises:
        NotFound: no such ballot.
    """
    with service.store.read() as conn:
        head = ballot_log(service, conn, space, ballot)
        rows, following = select(conn, _votes, "voter", page, _votes.c.log_id == head.id)
    return VotePage(
        [VoteBrief(r.voter, r.idx, f"sha256:{r.identity.hex()}", r.cast_at, r.replaced) for r in rows],
        following,
    )


def voter_view(service: Service, space: str, ballot: str, voter: str) -> VoterView:
    """A voter's vote and the indices of those it replaced.

    Raises:
        NotFound: no such ballot, or no vote of theirs in it.
    """
    with service.store.snapshot() as conn:
        head = ballot_log(service, conn, space, ballot)
        chosen = sa.select(_votes).where(_votes.c.log_id == head.id, _votes.c.voter == voter)
        row = conn.execute(chosen).first()
        if row is None:
            raise NotFound(f"{voter[:80]} has no vote in this ballot")
        cancelled = conn.scalar(
            sa.select(_ballots.c.phase == "cancelled").where(_ballots.c.log_id == head.id)
        )
        earlier = _earlier(conn, head, row) if row.replaced else []
        standing = cosigned.standing(conn, head, row.idx + 1)
    identity = f"sha256:{row.identity.hex()}"
    return VoterView(voter, row.idx, identity, not cancelled, row.cast_at, earlier, *standing)


def _earlier(conn: sa.Connection, head: LogHead, row: Any) -> list[int]:
    """The replaced votes, from the log itself: reading stops once all are found."""
    found: list[int] = []
    end = row.idx
    while end > 0 and len(found) < row.replaced:
        start = max(0, end - 256)
        for index, data in enumerate(entries.read_entries(conn, head.id, start, end), start):
            statement = read_entry(data).statement
            if isinstance(statement, Vote) and statement.voter == row.voter:
                found.append(index)
        end = start
    return sorted(found)


def roll_row(service: Service, space: str, ballot: str, voter: str) -> RollRow:
    """A voter's row of the roll.

    Raises:
        NotFound: no such ballot, or not on its roll.
    """
    with service.store.read() as conn:
        head = ballot_log(service, conn, space, ballot)
        row = _row_of(conn, head, voter)
    if row is None:
        raise NotFound(f"{voter[:80]} is not on the roll of this ballot")
    return RollRow(row.id, row.weight, row.suite, voter_key(row).public)


def _row_of(conn: sa.Connection, head: LogHead, voter: str) -> Voter | None:
    """Pages are ascending by id and follow the definition, so the search ends early."""
    for index in range(1, head.size):
        (data,) = entries.read_entries(conn, head.id, index, index + 1)
        page = read_entry(data).statement
        if not isinstance(page, Electorate):
            return None
        if voter <= page.voters[-1].id:
            return next((row for row in page.voters if row.id == voter), None)
    return None


def outcome(service: Service, space: str, ballot: str) -> tuple[bytes, str]:
    """The canonical bytes of the result and their digest.

    Raises:
        NotFound: no such ballot, or it is not decided yet.
    """
    with service.store.read() as conn:
        head = ballot_log(service, conn, space, ballot)
        digest = conn.scalar(sa.select(_ballots.c.result).where(_ballots.c.log_id == head.id))
        if digest is None:
            raise NotFound(f"the ballot {ballot} is not decided yet")
        return blobs.get_blob(conn, digest), digest


def entry_bytes(service: Service, space: str, ballot: str, index: int) -> bytes:
    """The bytes of an entry of a ballot's log.

    Raises:
        NotFound: no such ballot or entry.
    """
    with service.store.read() as conn:
        head = ballot_log(service, conn, space, ballot)
        found = entries.read_entries(conn, head.id, index, index + 1)
    if not found:
        raise NotFound(f"the log has no entry {index}", size=head.size)
    return found[0]


def find(service: Service, space: str, ballot: str) -> BallotView | None:
    """One ballot, None when there is none."""
    try:
        return ballot_view(service, space, ballot)
    except NotFound:
        return None

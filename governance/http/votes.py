"""`/api/v1/spaces/{space}/ballots/{ballot}/votes`: casting, and what was cast."""

from __future__ import annotations

from litestar import Controller, Response, get, post

from governance import limits
from governance.http.caster import Caster
from governance.http.common import READ, WRITE, Serving, repeated
from governance.http.params import BallotName, Cursor, Limit, MemberName, SpaceName
from governance.http.problems import Any_Request
from governance.service import ballot_views
from governance.service.answers import VotePage, VoteRecorded, VoterView
from governance.service.pages import page_of


class VotesController(Controller):
    """Signed votes."""

    path = "/api/v1/spaces/{space:str}/ballots/{ballot:str}/votes"
    tags = ("votes",)

    @post(
        operation_id="castVote",
        summary="Cast a vote",
        responses=WRITE | repeated(VoteRecorded),
        request_max_body_size=limits.VOTE_BODY,
    )
    async def cast(
        self, request: Any_Request, space: SpaceName, ballot: BallotName
    ) -> Response[VoteRecorded]:
        """Record a `vote` statement; answered when it is durable, with its receipt."""
        caster: Caster = request.app.state.caster
        return await caster.cast(space, ballot, await request.body())

    @get(operation_id="listVotes", summary="Latest votes", responses=READ, sync_to_thread=True)
    def votes(
        self,
        service: Serving,
        space: SpaceName,
        ballot: BallotName,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> VotePage:
        """Each voter's latest vote, by voter."""
        return ballot_views.vote_page(service, space, ballot, page_of(cursor, limit))

    @get(
        "/{voter:str}",
        operation_id="getVote",
        summary="A voter's vote",
        responses=READ,
        sync_to_thread=True,
    )
    def vote(self, service: Serving, space: SpaceName, ballot: BallotName, voter: MemberName) -> VoterView:
        """The entry of a voter's latest vote, and those it replaced."""
        return ballot_views.voter_view(service, space, ballot, voter)

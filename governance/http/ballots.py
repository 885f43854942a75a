"""`/api/v1/spaces/{space}/ballots` and `/orders`: definitions, orders, outcomes, the roll."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter, RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.params import BallotName, Cursor, Index, Limit, MemberName, SpaceName
from governance.service import ballot_views, ballots, orders, receipts, submit
from governance.service.answers import BallotPage, BallotView, DraftRecorded, OrderRecorded, Recorded, RollRow
from governance.service.pages import page_of

StateFilter = Annotated[
    str | None,
    QueryParameter(pattern=r"^(draft|open|closed|decided|cancelled)$(?!\n)", name="state", required=False),
]


class OrdersController(Controller):
    """Stewards' orders about ballots."""

    path = "/api/v1/spaces/{space:str}/orders"
    tags = ("ballots",)
    request_max_body_size = BODY

    @post(
        operation_id="recordOrder",
        summary="Open, close or cancel a ballot",
        responses=WRITE | repeated(OrderRecorded),
        sync_to_thread=True,
    )
    def order(self, service: Serving, space: SpaceName, body: RawBody) -> Response[OrderRecorded]:
        """Record a `ballot-order` statement and carry it out; a close is answered after the count."""
        answer, ballot, new = orders.carry_out(service, space, body)
        view = ballot_views.find(service, space, ballot)
        state = "cancelled" if view is None else view.state
        return created(
            OrderRecorded(
                answer.index, answer.digest, answer.origin, answer.receipt, answer.entry, state, view
            ),
            new=new,
        )


class BallotsController(Controller):
    """Ballots of a space."""

    path = "/api/v1/spaces/{space:str}/ballots"
    tags = ("ballots",)
    request_max_body_size = BODY

    @get(operation_id="listBallots", summary="Ballots", responses=READ, sync_to_thread=True)
    def ballots(
        self,
        service: Serving,
        space: SpaceName,
        phase: StateFilter = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> BallotPage:
        """Ballots by id, drafts among them."""
        return ballot_views.ballot_page(service, space, page_of(cursor, limit), phase)

    @post(operation_id="postDraft", summary="Define a ballot", responses=WRITE, sync_to_thread=True)
    def draft(self, service: Serving, space: SpaceName, body: RawBody) -> Response[DraftRecorded]:
        """Keep a `ballot` definition as a draft until it opens; replaces an earlier draft."""
        return created(ballots.post(service, space, body))

    @get("/{ballot:str}", operation_id="getBallot", summary="A ballot", responses=READ, sync_to_thread=True)
    def ballot(self, service: Serving, space: SpaceName, ballot: BallotName) -> BallotView:
        """A ballot as it stands, with its definition."""
        return ballot_views.ballot_view(service, space, ballot)

    @post(
        "/{ballot:str}/statements",
        operation_id="recordBallotStatement",
        summary="Nonce commitments and reveals, disputes, rulings",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def statement(
        self, service: Serving, space: SpaceName, ballot: BallotName, body: RawBody
    ) -> Response[Recorded]:
        """Record a `nonce-commitment`, `nonce-reveal`, `dispute` or `ruling` statement."""
        answer, new = submit.to_ballot(service, space, ballot, body)
        return created(answer, new=new)

    @get(
        "/{ballot:str}/roll/{voter:str}",
        operation_id="getRollRow",
        summary="A voter's row of the roll",
        responses=READ,
        sync_to_thread=True,
    )
    def roll(self, service: Serving, space: SpaceName, ballot: BallotName, voter: MemberName) -> RollRow:
        """Weight and key that a voter has in this ballot."""
        return ballot_views.roll_row(service, space, ballot, voter)

    @get(
        "/{ballot:str}/outcome",
        operation_id="getOutcome",
        summary="The result",
        responses=READ,
        sync_to_thread=True,
    )
    def outcome(self, service: Serving, space: SpaceName, ballot: BallotName) -> Response[bytes]:
        """The result's canonical JSON; its SHA-256 stands in the ballot's log and is the ETag."""
        data, digest = ballot_views.outcome(service, space, ballot)
        return Response(
            data,
            media_type="application/json",
            headers={"etag": f'"{digest}"', "cache-control": "max-age=300"},
        )

    @get(
        "/{ballot:str}/receipts/{index:int}",
        operation_id="getReceipt",
        summary="The receipt of an entry",
        responses=READ,
        sync_to_thread=True,
        media_type="text/plain",
    )
    def receipt(self, service: Serving, space: SpaceName, ballot: BallotName, index: Index) -> str:
        """A `.tlog-proof` at the present checkpoint."""
        return receipts.stored(service.store, service.states.ballot_origin(space, ballot), index)

    @get(
        "/{ballot:str}/entries/{index:int}",
        operation_id="getEntry",
        summary="An entry's bytes",
        responses=READ,
        sync_to_thread=True,
    )
    def entry(self, service: Serving, space: SpaceName, ballot: BallotName, index: Index) -> Response[bytes]:
        """The bytes whose hash is the leaf at that index."""
        data = ballot_views.entry_bytes(service, space, ballot, index)
        return Response(
            data, media_type="application/json", headers={"cache-control": "max-age=31536000, immutable"}
        )

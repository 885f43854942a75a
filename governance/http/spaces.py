"""`/api/v1/spaces`: spaces, constitutions, members, commitments, the calendar."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.params import Cursor, Limit, MemberName, SpaceName
from governance.http.problems import documented
from governance.service import queries, submit
from governance.service.answers import (
    CalendarView,
    CommitmentPage,
    MemberPage,
    MemberView,
    Recorded,
    SpacePage,
    SpaceView,
)
from governance.service.pages import page_of


class SpacesController(Controller):
    """Communities on this instance."""

    path = "/api/v1/spaces"
    tags = ("spaces",)
    request_max_body_size = BODY

    @get(operation_id="listSpaces", summary="All spaces", responses=documented(400), sync_to_thread=True)
    def spaces(self, service: Serving, cursor: Cursor = None, limit: Limit = None) -> SpacePage:
        """Spaces by id."""
        return queries.space_page(service, page_of(cursor, limit))

    @post(
        operation_id="foundSpace",
        summary="Found a space",
        responses=documented(400, 403, 409, 413, 422),
        sync_to_thread=True,
    )
    def found(self, service: Serving, body: RawBody) -> Response[Recorded]:
        """Record a `space` statement, signed by an operator and by every founder."""
        return created(submit.found_space(service, body))

    @get("/{space:str}", operation_id="getSpace", summary="A space", responses=READ, sync_to_thread=True)
    def space(self, service: Serving, space: SpaceName) -> SpaceView:
        """A space with its constitution, its log's head and counts."""
        return queries.space_view(service, space)

    @post(
        "/{space:str}/constitution",
        operation_id="recordConstitution",
        summary="Revise the constitution",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def constitution(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `constitution` statement."""
        answer, new = submit.to_space(service, space, "constitution", body)
        return created(answer, new=new)

    @get(
        "/{space:str}/calendar",
        operation_id="getCalendar",
        summary="The quarters and how each stands",
        responses=READ,
        sync_to_thread=True,
    )
    def calendar(self, service: Serving, space: SpaceName) -> CalendarView:
        """Every quarter of the constitution's calendar: upcoming, due, open, late, missed or decided."""
        return queries.calendar_view(service, space, service.clock())


class MembersController(Controller):
    """Members of a space, by public id only."""

    path = "/api/v1/spaces/{space:str}/members"
    tags = ("members",)
    request_max_body_size = BODY

    @get(operation_id="listMembers", summary="Members", responses=READ, sync_to_thread=True)
    def members(
        self, service: Serving, space: SpaceName, cursor: Cursor = None, limit: Limit = None
    ) -> MemberPage:
        """Members by id."""
        return queries.member_page(service, space, page_of(cursor, limit))

    @post(
        operation_id="recordMember",
        summary="Enrol a member, or revise an enrolment",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def record(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `member` statement."""
        answer, new = submit.to_space(service, space, "members", body)
        return created(answer, new=new)

    @get("/{member:str}", operation_id="getMember", summary="A member", responses=READ, sync_to_thread=True)
    def member(self, service: Serving, space: SpaceName, member: MemberName) -> MemberView:
        """A member at the latest revision."""
        return queries.member_view(service, space, member)


class CommitmentsController(Controller):
    """Who builds a winner, by when."""

    path = "/api/v1/spaces/{space:str}/commitments"
    tags = ("commitments",)
    request_max_body_size = BODY

    @get(operation_id="listCommitments", summary="Commitments", responses=READ, sync_to_thread=True)
    def commitments(
        self, service: Serving, space: SpaceName, cursor: Cursor = None, limit: Limit = None
    ) -> CommitmentPage:
        """Commitments by id."""
        return queries.commitment_page(service, space, page_of(cursor, limit))

    @post(
        operation_id="recordCommitment",
        summary="Commit to a winner, or say how it goes",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def record(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `commitment` or `commitment-update` statement."""
        answer, new = submit.to_space(service, space, "commitments", body)
        return created(answer, new=new)

"""`/api/v1/spaces/{space}/delegations`: who lets whom vote for them."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.params import Cursor, Limit, MemberName, SpaceName
from governance.service import delegations, submit
from governance.service.answers import DelegationPage, MemberDelegations, Recorded
from governance.service.pages import page_of


class DelegationsController(Controller):
    """Delegations of a space."""

    path = "/api/v1/spaces/{space:str}/delegations"
    tags = ("delegations",)
    request_max_body_size = BODY

    @get(operation_id="listDelegations", summary="Delegations", responses=READ, sync_to_thread=True)
    def delegations(
        self, service: Serving, space: SpaceName, cursor: Cursor = None, limit: Limit = None
    ) -> DelegationPage:
        """The latest of each delegator and scope, revoked and expired ones included."""
        return delegations.delegation_page(service, space, page_of(cursor, limit))

    @post(
        operation_id="recordDelegation",
        summary="Delegate, or revoke a delegation",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def record(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `delegation` statement, signed by the delegator."""
        answer, new = submit.to_space(service, space, "delegations", body)
        return created(answer, new=new)

    @get(
        "/{member:str}",
        operation_id="getDelegations",
        summary="A member's delegations",
        responses=READ,
        sync_to_thread=True,
    )
    def member(self, service: Serving, space: SpaceName, member: MemberName) -> MemberDelegations:
        """What a member has delegated, by scope; the next delegation's sequence is above `sequence`."""
        return delegations.of_member(service, space, member)

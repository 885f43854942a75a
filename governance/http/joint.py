"""`/api/v1/spaces/{space}/joint`: ballots that this space decides together with others."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.params import Cursor, Limit, SpaceName
from governance.service import joint, joint_views
from governance.service.answers import Recorded
from governance.service.joint_answers import JointPage, JointView
from governance.service.pages import page_of

ManifestName = Annotated[
    str, PathParameter(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)", description="SHA-256 of the manifest")
]


class JointController(Controller):
    """Joint ballots of a space."""

    path = "/api/v1/spaces/{space:str}/joint"
    tags = ("joint",)
    request_max_body_size = BODY

    @get(operation_id="listJoint", summary="Joint ballots", responses=READ, sync_to_thread=True)
    def joints(
        self, service: Serving, space: SpaceName, cursor: Cursor = None, limit: Limit = None
    ) -> JointPage:
        """The joint ballots that this space has accepted, by manifest."""
        return joint_views.joint_page(service, space, page_of(cursor, limit))

    @post(
        operation_id="recordJointAcceptance",
        summary="Take part in a joint ballot",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def accept(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `joint-acceptance` statement: it holds the manifest and freezes this space's roll."""
        answer, new = joint.accept(service, space, body)
        return created(answer, new=new)

    @get(
        "/{manifest:str}",
        operation_id="getJoint",
        summary="A joint ballot",
        responses=READ,
        sync_to_thread=True,
    )
    def joint(self, service: Serving, space: SpaceName, manifest: ManifestName) -> JointView:
        """The manifest, this space's acceptance, the latest joint outcome, a dispute."""
        return joint_views.joint_view(service, space, manifest)

    @get(
        "/{manifest:str}/result",
        operation_id="getJointResult",
        summary="The joint result",
        responses=READ,
        sync_to_thread=True,
    )
    def result(self, service: Serving, space: SpaceName, manifest: ManifestName) -> Response[bytes]:
        """The canonical JSON of the latest outcome's result; 404 before there is one, and when disputed."""
        data, digest = joint.result_of(service, joint.record_of(service, space, manifest))
        return Response(data, media_type="application/json", headers={"etag": f'"{digest}"'})

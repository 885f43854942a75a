"""`/api/v1/instance` and the identity document."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.problems import documented
from governance.service import documents, publishing, queries
from governance.service.answers import InstanceView, Recorded


class InstanceController(Controller):
    """Who runs here."""

    tags = ("instance",)

    @get(
        "/api/v1/instance",
        operation_id="getInstance",
        summary="This instance and its spaces",
        responses=documented(),
        sync_to_thread=True,
    )
    def instance(self, service: Serving) -> InstanceView:
        """Identity, version and spaces of this instance."""
        return queries.instance_view(service)

    @get(
        "/.well-known/althing.json",
        operation_id="getIdentity",
        summary="The identity document",
        responses=READ,
        sync_to_thread=True,
    )
    def identity(self, service: Serving) -> Response[bytes]:
        """The latest `instance` statement, a DSSE envelope signed by the root key."""
        with service.store.read() as conn:
            data = publishing.well_known(conn)
        return Response(data, media_type="application/json", headers={"cache-control": "max-age=300"})

    @post(
        "/api/v1/instance/documents",
        operation_id="recordIdentity",
        summary="A new identity document",
        responses=WRITE | repeated(Recorded),
        request_max_body_size=BODY,
        sync_to_thread=True,
    )
    def record(self, service: Serving, body: RawBody) -> Response[Recorded]:
        """Record an `instance` statement that continues the last one, signed by the root key."""
        answer, new = documents.record_document(service, body)
        return created(answer, new=new)

"""`/healthz`, `/readyz` and `/metrics`, for those who keep the service running."""

from __future__ import annotations

from litestar import Controller, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from governance.http.common import Serving
from governance.http.problems import documented
from governance.service.answers import Health


class HealthController(Controller):
    """Signs of life."""

    tags = ("operation",)

    @get(
        "/healthz",
        operation_id="getHealth",
        summary="The process answers",
        responses=documented(),
        sync_to_thread=False,
    )
    def healthz(self) -> Health:
        """Says `ok` as long as the process answers."""
        return Health("ok")

    @get(
        "/readyz",
        operation_id="getReadiness",
        summary="Votes can be recorded",
        responses=documented(),
        sync_to_thread=True,
    )
    def readyz(self, service: Serving) -> Health:
        """Says `ok` when the database answers and the writer works."""
        service.check_ready()
        return Health("ok")

    @get(
        "/metrics",
        operation_id="getMetrics",
        summary="Figures for Prometheus",
        responses=documented(),
        sync_to_thread=True,
        media_type="text/plain",
    )
    def metrics(self) -> Response[bytes]:
        """Counters and gauges in Prometheus' text format."""
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

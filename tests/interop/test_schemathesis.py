"""The committed OpenAPI document against the running service: no 500, no undocumented answer."""

import json
import time

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

from governance.http import openapi
from tests.support.people import Community, key, operator_of, recorded
from tests.support.server import running

EXAMPLES = 12
"""For each of about thirty operations, so that all of it stays below a minute."""

load_all_checks()
schema = schemathesis.openapi.from_dict(json.loads(openapi.COMMITTED.read_bytes()))
schema = schema.exclude(operation_id=["streamSpace", "streamBallot", "streamMap"])
CHOSEN = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service with a decided, an open and a drafted ballot."""
    with (
        running(tmp_path_factory.mktemp("schemathesis")) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        base = server.url.partition("://")[2]
        community = Community(client, operator_of(server.data), int(time.time()), base)
        community.found()
        community.enrol(key(100), key(101))
        recorded(community.post("/roadmap", community.item(), community.steward))
        community.open(community.definition("q0"))
        recorded(community.cast(key(100), ["a"], "q0"))
        community.order("close", "q0")
        community.open()
        later = community.definition("q2", opens_at=community.now + 86_400, closes_at=community.now + 172_800)
        recorded(community.define(later))
        with requests.Session() as session:
            yield server, session


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_documented(case, service):
    server, session = service
    answer = case.call(base_url=server.url, session=session)
    case.validate_response(answer, checks=CHOSEN)

"""Every answer of no is a problem document, also those the framework makes."""

import pytest

from governance.errors import GovernanceError, IntegrityFault
from governance.http.docs import codes
from governance.service import queries


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("DELETE", "/api/v1/instance", 405, "method-not-allowed"),
        ("PUT", "/api/v1/spaces/nix/ballots/q1/votes", 405, "method-not-allowed"),
        ("GET", "/problems/never-heard-of", 404, "not-found"),
        ("GET", "/api/docs/secret.txt", 404, "not-found"),
    ],
)
def test_framework_errors(lite, method, path, status, code):
    answer = lite.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"]


def test_a_fault_of_ours_says_nothing_internal(lite, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(queries, "instance_view", fail)
    answer = lite.client.get("/api/v1/instance")
    assert (answer.status_code, answer.json()["code"]) == (500, "governance-error")
    assert "secret" not in answer.text


def test_an_integrity_fault_says_nothing_internal(lite, monkeypatch):
    def fail(*_):
        raise IntegrityFault("row 7 of table x")

    monkeypatch.setattr(queries, "instance_view", fail)
    answer = lite.client.get("/api/v1/instance")
    assert answer.status_code == 500
    assert "row 7" not in answer.text


@pytest.mark.parametrize("kind", codes().values(), ids=lambda k: k.code)
def test_every_code_has_its_page(lite, kind):
    answer = lite.client.get(f"/problems/{kind.code}")
    assert answer.status_code == 200
    assert kind.code in answer.text


def test_codes_are_all_classes():
    def walk(kind):
        return {kind.code} | {code for child in kind.__subclasses__() for code in walk(child)}

    assert set(codes()) <= walk(GovernanceError)
    assert len(codes()) > 30


def test_headers_on_every_answer(lite):
    for path in ("/", "/nothing", "/api/v1/instance", "/healthz"):
        assert lite.client.get(path).headers["x-content-type-options"] == "nosniff"


def test_health_and_readiness(lite):
    assert lite.client.get("/healthz").json() == {"status": "ok"}
    assert lite.client.get("/readyz").json() == {"status": "ok"}


def test_metrics(lite):
    lite.community.open()
    text = lite.client.get("/metrics").text
    assert "althing_queue_waiting 0.0" in text
    assert 'althing_http_requests_total{method="POST",status="201"}' in text
    assert 'althing_log_entries{origin="127.0.0.1:8000/spaces/nix/ballots/q1"} 3.0' in text
    assert "althing_writer_stopped 0.0" in text

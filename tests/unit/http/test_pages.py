"""Pages for people ask nobody else for anything; the OpenAPI document is the committed one."""

import re

import msgspec
import pytest

from governance.describe import api
from governance.http import docs, openapi
from tests.support.people import body


@pytest.mark.parametrize("path", ["/", "/api/docs", "/problems/not-found"])
@pytest.mark.parametrize("built", [True, False])
def test_no_request_to_anybody_else(lite, path, built, monkeypatch, tmp_path):
    if built:
        for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
            (tmp_path / name).write_text("/* built */")
    monkeypatch.setattr(docs, "SWAGGER", tmp_path)
    answer = lite.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    found = re.findall(r"""(?:src|href)=["']([^"']+)""", answer.text)
    assert not [url for url in found if "//" in url and not url.startswith("http://127.0.0.1:8000/")]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    for url in found:
        if url.endswith((".js", ".css")):
            assert lite.client.get(f"/api/{url}").status_code == 200


def test_the_plain_list_names_every_operation(lite, monkeypatch, tmp_path):
    monkeypatch.setattr(docs, "SWAGGER", tmp_path)
    text = lite.client.get("/api/docs").text
    assert "Cast a vote" in text
    assert "POST /api/v1/spaces/{space}/ballots/{ballot}/votes" in text


def test_names_are_escaped(lite):
    community = lite.community
    community.space = "sly"
    sly = msgspec.structs.replace(community.founding(), title="<script>alert(1)</script>")
    content = body(sly, community.operator, community.steward)
    assert lite.client.post("/api/v1/spaces", content=content).status_code == 201
    assert "<script>" not in lite.client.get("/").text


def test_openapi_is_the_committed_document():
    assert openapi.COMMITTED.read_bytes() == openapi.encoded(api()), "make schemas writes it anew"


def test_openapi_is_served(lite):
    assert lite.client.get("/api/openapi.json").content == openapi.COMMITTED.read_bytes()


def test_every_operation_has_an_id_a_summary_and_its_problems():
    for path, methods in api()["paths"].items():
        for method, operation in methods.items():
            assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), (path, method)
            assert operation["summary"]
            assert {"429", "503"} <= set(operation["responses"])
            if method == "post":
                assert operation["requestBody"]["required"]
                assert {"400", "413", "422"} <= set(operation["responses"])
                assert {"200", "201"} & set(operation["responses"])

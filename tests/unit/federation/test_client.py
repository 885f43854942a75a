"""Requests to other instances: what is signed is what is sent, and whose errors are whose."""

import json

import httpx
import pytest

from federation.client import ANSWER, Client
from governance.errors import (
    Behind,
    ClockSkew,
    EgressRefused,
    GovernanceError,
    MalformedAnswer,
    NoAnswer,
    NotAuthorised,
    NotFound,
    QueueFull,
    RateLimited,
    Refused,
    TooLarge,
)
from governance.fetch import egress

URL = "https://peer.example/federation/v1/checkpoints"


def client(handler, seen=None):
    def sign(method, url, body, media_type):
        if seen is not None:
            seen.append((method, url, body, media_type))
        return {"signature": "mine", "content-digest": "digest"}

    return Client(httpx.MockTransport(handler), sign)


def answering(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: httpx.Response(status, content=body, headers=named)


def saying(status, code, **more):
    return answering(status, json.dumps({"code": code, "detail": "no", **more}).encode())


def test_get_is_not_signed_unless_asked():
    asked, seen = [], []

    def handler(request):
        asked.append(request)
        return httpx.Response(200, content=b"note", headers={"ETag": "x"})

    reply = client(handler, seen).get(URL, 10)
    assert (reply.status, reply.body, reply.headers["etag"]) == (200, b"note", "x")
    assert "signature" not in asked[0].headers
    assert seen == []
    client(handler, seen).get(URL, 10, signed=True)
    assert asked[1].headers["signature"] == "mine"
    assert seen == [("GET", URL, None, None)]


def test_post_is_signed_over_what_is_sent():
    asked, seen = [], []

    def handler(request):
        asked.append((request.read(), str(request.url), request.headers))
        return httpx.Response(202)

    assert client(handler, seen).post("https://PEER.example:443/a b", b"body", "text/plain").status == 202
    body, url, headers = asked[0]
    assert (body, headers["content-type"], headers["signature"]) == (b"body", "text/plain", "mine")
    assert seen == [("POST", url, b"body", "text/plain")]
    assert url == "https://peer.example/a%20b"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (saying(404, "not-found"), NotFound),
        (answering(404), NotFound),
        (saying(403, "not-authorised"), NotAuthorised),
        (saying(401, "clock-skew", now=17), ClockSkew),
        (saying(503, "queue-full", retry_after=9), QueueFull),
        (answering(429, b"slow down", retry_after="7"), RateLimited),
        (answering(502, b"<h1>Bad gateway</h1>"), NoAnswer),
        (answering(418), Refused),
        (answering(304), MalformedAnswer),
        (answering(302, location="http://169.254.169.254/"), MalformedAnswer),
        (answering(200, b"x", content_encoding="br"), MalformedAnswer),
        (answering(200, b"x" * 101), TooLarge),
        (answering(404, b"x", content_encoding="br"), NotFound),
    ],
)
def test_an_answer_of_no(answer, kind):
    with pytest.raises(kind) as caught:
        client(answer).get(URL, 100)
    assert type(caught.value) is kind


def test_its_time_and_patience_are_kept():
    with pytest.raises(ClockSkew) as skewed:
        client(saying(401, "clock-skew", now=17)).post(URL, b"", "text/plain")
    assert skewed.value.facts == {"now": 17}
    with pytest.raises(RateLimited) as busy:
        client(answering(429, retry_after="99999")).get(URL, 1)
    assert busy.value.retry_after == 3_600


@pytest.mark.parametrize(
    "code", ["integrity-fault", "behind", "setup-fault", "another-writer", "governance-error"]
)
def test_their_damage_is_not_ours(code):
    """Such an error would stop this instance: `Behind` does so when a witness proves it."""
    assert issubclass(Behind, GovernanceError)
    with pytest.raises(NoAnswer, match="out of order"):
        client(saying(500, code)).get(URL, 100)


@pytest.mark.parametrize("name", ["self", "detail", "pointer", "retry_after", "code", "__class__", "", "a b"])
@pytest.mark.parametrize("code", ["queue-full", "not-found"])
def test_members_of_a_problem_with_odd_names(name, code):
    body = json.dumps({"code": code, name: "x"}).encode()
    with pytest.raises(GovernanceError):
        client(answering(503, body)).get(URL, 100)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[" * 10_000, b'{"code":', b"\xff", b'{"code":[1],"detail":{}}']
)
def test_bodies_that_are_no_problem(body):
    with pytest.raises(Refused):
        client(answering(400, body)).get(URL, 100)


def test_send_gives_any_status():
    reply = client(answering(409, b"17\n", content_type="text/x.tlog.size")).send(
        "POST", URL, b"x", "t", limit=9
    )
    assert (reply.status, reply.body, reply.good) == (409, b"17\n", False)


def test_a_long_answer_to_a_post():
    with pytest.raises(TooLarge):
        client(answering(200, b"x" * (ANSWER + 1))).post(URL, b"", "text/plain")


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.ReadError("x")]
)
def test_nobody_there(error):
    def handler(_request):
        raise error

    with pytest.raises(NoAnswer):
        client(handler).get(URL, 100)


def test_addresses_that_are_not_asked():
    ours = Client(egress.transport(egress.PUBLIC), lambda *_: {})
    for url in ("https://127.0.0.1/", "http://peer.example/", "https://peer.example:8443/", "nonsense"):
        with pytest.raises(EgressRefused):
            ours.get(url, 100)

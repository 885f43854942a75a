import json

import httpx
import pytest

from governance import errors
from governance.cli.client import Client, Page, is_local
from governance.errors import (
    BallotClosed,
    MalformedAnswer,
    NoAnswer,
    NotFound,
    NotOnRoll,
    QueueFull,
    RateLimited,
    Refused,
    Unavailable,
)

URL = "https://vote.example.org"


def client(handler, **options):
    waits = options.pop("waits", [])
    return Client(URL, transport=httpx.MockTransport(handler), sleep=waits.append, **options)


def problem(status, code, **more):
    body = {"type": f"{URL}/problems/{code}", "title": "No", "status": status, "code": code, **more}
    return lambda _request: httpx.Response(status, json=body)


def test_a_good_answer_is_typed():
    with client(lambda r: httpx.Response(200, json={"path": r.url.path})) as c:
        assert c.get("/instance", dict[str, str]) == {"path": "/api/v1/instance"}


def test_a_problem_is_raised_as_its_own_class_with_place_and_facts():
    answer = problem(409, "ballot-closed", detail="too late", pointer="/ballot", closed_at=17)
    with client(answer) as c, pytest.raises(BallotClosed) as caught:
        c.post("/x", b"{}", dict)
    assert (caught.value.detail, caught.value.pointer) == ("too late", "/ballot")
    assert caught.value.facts == {"closed_at": 17}


@pytest.mark.parametrize("kind", [NotOnRoll, errors.BadSignature, errors.IntegrityFault])
def test_every_code_is_known(kind):
    with client(problem(kind.status, kind.code, detail="d")) as c, pytest.raises(kind):
        c.get("/x", dict)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (418, Refused), (429, RateLimited), (502, NoAnswer), (503, Unavailable)],
)
def test_another_program_s_error_page_is_told_by_its_status(status, kind):
    with client(lambda _r: httpx.Response(status, text="<h1>no</h1>"), patience=0) as c, pytest.raises(kind):
        c.get("/x", dict)


def test_a_busy_service_is_asked_again_after_the_time_it_names():
    answers = iter([httpx.Response(503, headers={"Retry-After": "2"}, json={"code": "queue-full"})] * 2)
    waits = []
    with client(lambda _r: next(answers, httpx.Response(200, json=1)), waits=waits) as c:
        assert c.get("/x", int) == 1
    assert waits == [2, 2]


def test_patience_is_bounded():
    waits = []
    busy = httpx.Response(503, headers={"Retry-After": "20"}, json={"code": "queue-full", "detail": "d"})
    with client(lambda _r: busy, waits=waits, patience=50) as c, pytest.raises(QueueFull) as caught:
        c.get("/x", int)
    assert waits == [20, 20]
    assert caught.value.retry_after == 20


@pytest.mark.parametrize("header", ["soon", "-5", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_senseless_retry_after_is_a_second(header):
    waits = []
    busy = httpx.Response(429, headers={"Retry-After": header}, json={})
    with client(lambda _r: busy, waits=waits, patience=3) as c, pytest.raises(RateLimited):
        c.get("/x", int)
    assert waits == [1, 1, 1]


def test_no_redirect_is_followed():
    seen = []

    def handler(request):
        seen.append(request.url)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})

    with client(handler) as c, pytest.raises(MalformedAnswer, match="elsewhere"):
        c.get("/x", dict)
    assert len(seen) == 1


def test_more_bytes_than_the_bound_are_not_read():
    def endless():
        for _ in range(10_000):
            yield b"x" * 1_000
        raise AssertionError("read to the end")

    with client(lambda _r: httpx.Response(200, content=endless())) as c, pytest.raises(MalformedAnswer):
        c.read("/logs/instance/checkpoint", 5_000)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"items": 1}', b"\xff\xfe", b"[" * 10_000])
def test_an_answer_of_another_shape_is_our_own_error(body):
    with client(lambda _r: httpx.Response(200, content=body)) as c, pytest.raises(MalformedAnswer):
        c.get("/x", Page)


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_nobody_there(error):
    def handler(_request):
        raise error

    with client(handler) as c, pytest.raises(NoAnswer):
        c.get("/x", dict)


def test_pages_are_followed_to_the_end():
    def handler(request):
        first = request.url.params.get("cursor") is None
        page = {"items": [1, 2], "next": "c"} if first else {"items": [3], "next": None}
        return httpx.Response(200, json=page)

    with client(handler) as c:
        assert list(c.pages("/x", int, state="open")) == [1, 2, 3]


def test_a_page_that_leads_to_itself_is_noticed():
    page = {"items": [1], "next": "c"}
    with client(lambda _r: httpx.Response(200, json=page)) as c, pytest.raises(MalformedAnswer):
        list(c.pages("/x", int))


def test_a_post_carries_the_bytes_as_they_are():
    bodies = []

    def handler(request):
        bodies.append(request.read())
        return httpx.Response(201, content=json.dumps({"ok": True}).encode())

    with client(handler) as c:
        assert c.post("/x", b'{"a":1}\n', dict[str, bool]) == (201, {"ok": True})
    assert bodies == [b'{"a":1}\n']


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("https://vote.example.org", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_which_addresses_are_this_machine(url, local):
    assert is_local(url) is local

import threading

import httpx
import pytest

from governance.errors import NotFound, SourceUnavailable, TooLarge
from governance.fetch import ahead
from governance.fetch.http import Website


def site(answer):
    return Website("https://vote.example/base", httpx.MockTransport(answer))


def test_reads_below_the_base():
    seen = []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200, content=b"head")

    assert site(answer).read("logs/instance/checkpoint", 10) == b"head"
    assert seen == ["https://vote.example/base/logs/instance/checkpoint"]
    assert site(answer).listing() is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (410, NotFound),
        (302, SourceUnavailable),
        (500, SourceUnavailable),
        (206, SourceUnavailable),
    ],
)
def test_other_answers(status, error):
    with pytest.raises(error):
        site(lambda request: httpx.Response(status, headers={"location": "https://evil.example"})).read(
            "x", 10
        )


def test_too_large_is_not_read_to_its_end():
    served = []

    def endless():
        while True:
            served.append(1)
            yield bytes(1000)

    with pytest.raises(TooLarge):
        site(lambda request: httpx.Response(200, content=endless())).read("x", 5000)
    assert len(served) < 10


def test_a_broken_connection_is_tried_again():
    tries = []

    def answer(request):
        tries.append(1)
        if len(tries) < 3:
            raise httpx.ConnectError("reset")
        return httpx.Response(200, content=b"ok")

    assert site(answer).read("x", 10) == b"ok"
    with pytest.raises(SourceUnavailable):
        site(lambda request: (_ for _ in ()).throw(httpx.ConnectError("down"))).read("x", 10)


def test_many_keep_their_order_and_stay_bounded():
    lock = threading.Lock()
    running, most = 0, 0

    def answer(request):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return httpx.Response(200, content=request.url.path.rsplit("/", 1)[1].encode())

    names = [str(i) for i in range(50)]
    assert [d.decode() for d in site(answer).read_many(names, 10)] == names
    assert most <= ahead.AHEAD


def test_many_stop_at_the_first_failure_and_when_abandoned():
    def answer(request):
        return httpx.Response(404 if request.url.path.endswith("/3") else 200, content=b"x")

    got = []
    with pytest.raises(NotFound):
        got.extend(site(answer).read_many((str(i) for i in range(1_000_000)), 10))
    reader = site(answer).read_many((str(i + 10) for i in range(1_000_000)), 10)
    next(reader)
    reader.close()

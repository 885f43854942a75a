"""The one way out: which URLs are asked, and that the checked address is the one that is asked."""

import threading
import time
from dataclasses import replace

import httpcore
import pytest

from governance.errors import EgressRefused, NoAnswer
from governance.fetch import egress
from governance.fetch.egress import LOCAL, PUBLIC, TYPED, pins
from governance.fetch.exchange import exchange
from tests.support.loopback import Elsewhere, Resolver, answering, make_authority, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def elsewhere(monkeypatch):
    """All connections end at one port of the loopback, whatever address they are for."""

    def lead(port, refusing=()):
        backend = Elsewhere(port, frozenset(refusing))
        monkeypatch.setattr(httpcore, "SyncBackend", lambda: backend)
        return backend

    return lead


def ask(rules, url, resolver=None, *, pinned=frozenset, tls=None):
    over = egress.transport(rules, pinned=pinned, resolver=resolver or Resolver(["8.8.8.8"]), tls=tls)
    try:
        return exchange(over, "GET", url, limit=100)
    finally:
        over.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://peer.example/",
        "https://peer.example:8443/",
        "https://peer.example:80/",
        "https://peer.example:0/",
        "https://peer.example:99999/",
        "https://user@peer.example/",
        "https://user:secret@peer.example/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://peer.example./",
        "https://[fe80::1%25eth0]/",
        "https://%31%32%37.0.0.1/",
        "https://xn--a/",
        "https://a b/",
        "https:///nowhere",
        "//peer.example/",
        "peer.example",
        "",
        "ftp://peer.example/",
        "file:///etc/passwd",
        "gopher://peer.example:443/",
        "unix:///run/x.sock",
        "https://peer.example:port/",
        "https://[::1/",
        "x" * 70_000,
    ],
)
def test_what_is_refused_is_not_even_looked_up(url, elsewhere):
    resolver, backend = Resolver(["8.8.8.8"]), elsewhere(None)
    with pytest.raises(EgressRefused) as caught:
        ask(PUBLIC, url, resolver)
    assert (resolver.asked, backend.connected) == ([], [])
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "https://100.100.100.200/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/",
    ],
)
def test_addresses_inside_are_refused(url, elsewhere):
    backend = elsewhere(None)
    with pytest.raises(EgressRefused):
        ask(PUBLIC, url)
    assert backend.connected == []


@pytest.mark.parametrize(
    "bad",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "::1",
        "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2001:0:7f00:1::", "ff02::1",
        "255.255.255.255",
    ],
)  # fmt: skip
def test_one_bad_address_among_good_ones_is_enough(bad, elsewhere):
    for answer in ([bad], ["8.8.8.8", bad], [bad, "8.8.8.8"], ["8.8.8.8"] * 9 + [bad]):
        backend, resolver = elsewhere(None), Resolver(answer)
        with pytest.raises(EgressRefused, match="leads to"):
            ask(PUBLIC, "https://peer.example/", resolver)
        assert (len(resolver.asked), backend.connected) == (1, [])


@pytest.mark.parametrize(
    "bad", ["169.254.169.254", "fe80::1%eth0", "224.0.0.1", "0.0.0.0", "100.100.100.200"]
)
def test_even_for_tests_some_are_never_asked(bad, elsewhere):
    elsewhere(None)
    with pytest.raises(EgressRefused):
        ask(LOCAL, "http://peer.example/", Resolver([bad]))


def test_a_name_that_changes_its_mind_is_asked_once(elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    resolver = Resolver(["8.8.8.8"], ["127.0.0.1"])
    with serving(answering(OK), authority.server("peer.example")) as server:
        backend = elsewhere(server.port)
        assert ask(PUBLIC, "https://peer.example/", resolver, tls=authority.trusting()).body == b"ok"
    assert resolver.asked == [("peer.example", 443)]
    assert backend.connected == [("8.8.8.8", 443)]
    assert b"host: peer.example\r\n" in server.asked[0].lower()


def test_the_next_connection_is_checked_anew(elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    resolver = Resolver(["8.8.8.8"], ["127.0.0.1"])
    with serving(answering(OK), authority.server("peer.example")) as server:
        backend = elsewhere(server.port)
        over = egress.transport(PUBLIC, resolver=resolver, tls=authority.trusting())
        exchange(over, "GET", "https://peer.example/", limit=10)
        with pytest.raises(EgressRefused):
            exchange(over, "GET", "https://peer.example/", limit=10)
        over.close()
    assert len(backend.connected) == 1


@pytest.mark.parametrize("named", [["other.example"], ["8.8.8.8"], ["*.example.org", "localhost"]])
def test_the_certificate_is_for_the_name_not_the_address(named, elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    with serving(answering(OK), authority.server(*named)) as server:
        elsewhere(server.port)
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            ask(PUBLIC, "https://peer.example/", tls=authority.trusting())
    assert server.asked == []


def test_an_authority_that_nobody_trusts(elsewhere, tmp_path):
    with serving(answering(OK), make_authority(tmp_path).server("peer.example")) as server:
        elsewhere(server.port)
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            ask(PUBLIC, "https://peer.example/")
    assert server.asked == []


def test_the_name_is_sent_in_the_handshake(elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    context, seen = authority.server("peer.example"), []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    with serving(answering(OK), context) as server:
        elsewhere(server.port)
        ask(PUBLIC, "https://peer.example/", tls=authority.trusting())
    assert seen == ["peer.example"]


def test_a_confirmed_port_is_asked_and_only_that(elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    confirmed = set(pins(["https://Peer.example:8443/base"]))
    with serving(answering(OK), authority.server("peer.example")) as server:
        backend = elsewhere(server.port)
        url = "https://peer.example:8443/x"
        reply = ask(PUBLIC, url, pinned=lambda: confirmed, tls=authority.trusting())
        assert reply.body == b"ok"
        assert backend.connected == [("8.8.8.8", 8443)]
        for other in (
            "https://peer.example:8444/",
            "https://evil.example:8443/",
            "http://peer.example:8443/",
        ):
            with pytest.raises(EgressRefused):
                ask(PUBLIC, other, pinned=lambda: confirmed)
        confirmed.clear()
        with pytest.raises(EgressRefused):
            ask(PUBLIC, url, pinned=lambda: confirmed)


def test_pins():
    urls = [
        "https://peer.example",
        "https://[2606:4700::1111]:8443/x",
        "http://peer.example",
        "https://127.1/",
        "",
    ]
    assert pins(urls) == {("peer.example", 443), ("2606:4700::1111", 8443), ("peer.example", 80)}


def test_all_addresses_are_tried_in_order(elsewhere, tmp_path):
    authority = make_authority(tmp_path)
    found = ["2606:4700::1111", "8.8.8.8", "8.8.4.4", "8.8.8.8"]
    with serving(answering(OK), authority.server("peer.example")) as server:
        backend = elsewhere(server.port, refusing=found[:2])
        reply = ask(PUBLIC, "https://peer.example/", Resolver(found), tls=authority.trusting())
    assert reply.body == b"ok"
    assert [host for host, _ in backend.connected] == ["2606:4700::1111", "8.8.8.8", "8.8.4.4"]
    many = elsewhere(None)
    with pytest.raises(NoAnswer):
        ask(PUBLIC, "https://peer.example/", Resolver([f"8.8.8.{i}" for i in range(1, 100)]))
    assert len(many.connected) == egress.ADDRESSES


def failing(*_, **__):
    raise OSError("no such name")


@pytest.mark.parametrize("resolver", [failing, lambda *_, **__: [], lambda *_, **__: [()]])
def test_a_name_without_an_address(resolver):
    with pytest.raises(NoAnswer):
        ask(PUBLIC, "https://peer.example/", resolver)


def test_a_name_server_that_does_not_answer():
    never = threading.Event()
    start = time.monotonic()
    with pytest.raises(NoAnswer, match="in time"):
        ask(replace(PUBLIC, connect=0.1), "https://peer.example/", lambda *_, **__: never.wait(20))
    assert time.monotonic() - start < 5
    never.set()


def test_what_a_person_typed_may_be_anywhere():
    with serving(answering(OK)) as server:
        over = egress.transport(TYPED)
        for host in ("127.0.0.1", "localhost"):
            assert exchange(over, "GET", f"http://{host}:{server.port}/", limit=10).body == b"ok"
        over.close()
        with pytest.raises(EgressRefused):
            exchange(egress.transport(TYPED), "GET", f"http://2130706433:{server.port}/", limit=10)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_no_proxy_of_the_environment(variable, monkeypatch):
    with serving(answering(b"HTTP/1.1 500 proxy\r\n\r\n")) as proxy, serving(answering(OK)) as server:
        monkeypatch.setenv(variable, proxy.url)
        assert exchange(egress.transport(LOCAL), "GET", f"{server.url}/", limit=10).body == b"ok"
    assert proxy.asked == []

"""Servers that never end, lie about lengths, send elsewhere or blow up; who asks stays small and on time."""

import gzip
import socket
import struct
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest

from governance.cli.client import Client
from governance.errors import EgressRefused, MalformedAnswer, NoAnswer, SourceUnavailable, TooLarge
from governance.fetch import egress
from governance.fetch.egress import LOCAL
from governance.fetch.exchange import PROBLEM, exchange
from governance.fetch.http import Website
from tests.support.loopback import answering, make_authority, serving

QUICK = replace(LOCAL, connect=0.5, read=0.3, total=0.5)
"""For servers that never come to an end."""
LATE = 30.0
"""Seconds within which even a busy machine notices that QUICK's half a second is over."""
LIMIT = 10_000


def ask(url, rules=LOCAL, **more):
    over = egress.transport(rules, tls=more.pop("tls", None))
    try:
        return exchange(over, more.pop("method", "GET"), url, **{"limit": LIMIT, **more})
    finally:
        over.close()


def ok(headers, body=b""):
    return b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body


def trickling(first, piece, pause=0.1):
    def script(connection, _head):
        connection.sendall(first)
        while True:
            time.sleep(pause)
            connection.sendall(piece)

    return script


# --- never ending ---


@pytest.mark.parametrize(
    "script",
    [
        trickling(b"", b""),
        trickling(b"HTTP/1.1 200 OK\r\n", b"x"),
        trickling(b"HTTP/1.1 200 OK\r\nx: ", b"x"),
        trickling(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        trickling(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        trickling(ok(b"Content-Length: 5000\r\n"), b"x"),
        trickling(ok(b""), b"x"),
        trickling(ok(b"Transfer-Encoding: chunked\r\n"), b"1\r\nx\r\n"),
        trickling(ok(b"Transfer-Encoding: chunked\r\n", b"ffff;"), b"x"),
        trickling(ok(b"Transfer-Encoding: chunked\r\n", b"0\r\n"), b"x: y\r\n"),
        trickling(ok(b"Content-Encoding: gzip\r\n", gzip.compress(b"x", mtime=0)[:10]), b"\0"),
        trickling(b"HTTP/1.1 404 No\r\n\r\n", b"x"),
        lambda connection, _head: connection.recv(1),
    ],
    ids=[
        "nothing", "status line", "one header", "headers", "1xx", "length", "no length", "chunks",
        "chunk header", "trailers", "gzip", "problem", "silence",
    ],
)  # fmt: skip
def test_what_trickles_is_left_at_the_deadline(script):
    with serving(script) as server:
        start = time.monotonic()
        with pytest.raises((NoAnswer, MalformedAnswer)):
            ask(server.url, QUICK)
        assert time.monotonic() - start < LATE


def test_a_reader_that_takes_its_time():
    """The request's body goes on and on, a little at each moment: the deadline counts for sending too."""

    def script(connection, _head):
        while connection.recv(65_536):
            time.sleep(0.005)

    with serving(script) as server:
        start = time.monotonic()
        with pytest.raises(NoAnswer):
            ask(server.url, QUICK, method="POST", body=bytes(80_000_000))
        assert time.monotonic() - start < LATE


def test_a_handshake_that_never_ends():
    listener = socket.create_server(("127.0.0.1", 0))
    start = time.monotonic()
    with pytest.raises(NoAnswer):
        ask(f"https://127.0.0.1:{listener.getsockname()[1]}/", QUICK)
    assert time.monotonic() - start < LATE
    listener.close()


def test_a_handshake_that_trickles():
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle():
        connection, _ = listener.accept()
        with connection:
            try:
                # The header of a handshake record that is never complete.
                connection.sendall(b"\x16\x03\x03\x3f\xff")
                while True:
                    connection.sendall(b"\x02")
                    time.sleep(0.05)
            except OSError:
                pass

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    start = time.monotonic()
    with pytest.raises(NoAnswer):
        ask(f"https://127.0.0.1:{listener.getsockname()[1]}/", QUICK)
    assert time.monotonic() - start < LATE
    thread.join(5)
    listener.close()


def test_a_server_that_resets():
    def script(connection, _head):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(script) as server, pytest.raises(NoAnswer):
        ask(server.url)


# --- too much ---


def test_an_endless_body_is_left_early():
    sent = []

    def script(connection, _head):
        connection.sendall(ok(b""))
        while True:
            connection.sendall(bytes(1000))
            sent.append(1000)

    with serving(script) as server:
        with pytest.raises(TooLarge):
            ask(server.url)
        time.sleep(0.1)
    assert sum(sent) < 20_000_000


def test_an_announced_length_is_believed_at_once():
    script = answering(ok(b"Content-Length: 999999999999\r\n"))
    with serving(script) as server, pytest.raises(TooLarge, match="announces"):
        ask(server.url)


@pytest.mark.parametrize(
    "length", [b"-1", b"1e3", b"0x10", b"1,2", b"", b"9" * 5000, b"1\r\nContent-Length: 2"]
)
def test_a_length_that_is_none(length):
    script = answering(ok(b"Content-Length: " + length + b"\r\n", b"x"))
    with serving(script) as server, pytest.raises((NoAnswer, TooLarge)):
        ask(server.url)


def test_shorter_than_announced():
    with serving(answering(ok(b"Content-Length: 10\r\n", b"short"))) as server, pytest.raises(NoAnswer):
        ask(server.url)


def test_longer_than_announced_is_cut_at_the_announced_length():
    with serving(answering(ok(b"Content-Length: 2\r\nConnection: close\r\n", b"ok and more"))) as server:
        assert ask(server.url).body == b"ok"


def test_exactly_the_limit():
    with serving(answering(ok(b"", bytes(LIMIT)))) as server:
        assert len(ask(server.url).body) == LIMIT
    with serving(answering(ok(b"", bytes(LIMIT + 1)))) as server, pytest.raises(TooLarge):
        ask(server.url)


@pytest.mark.parametrize("headers", [b"x: " + b"y" * 70_000 + b"\r\n", b"x: y\r\n" * 20_000])
def test_headers_are_bounded(headers):
    with serving(answering(ok(headers, b"x"))) as server, pytest.raises(NoAnswer):
        ask(server.url)


def test_only_the_beginning_of_a_long_problem_is_read():
    def script(connection, _head):
        connection.sendall(b"HTTP/1.1 500 no\r\n\r\n")
        while True:
            connection.sendall(b"x" * 10_000)

    with serving(script) as server:
        reply = ask(server.url)
    assert (reply.status, len(reply.body)) == (500, PROBLEM)


# --- encodings ---


def test_a_bomb_stays_small():
    bomb = gzip.compress(bytes(200_000_000), 9)
    with serving(answering(ok(b"Content-Encoding: gzip\r\n", bomb))) as server:
        tracemalloc.start()
        # The limit is above the packed size of what one read brings: only the unpacked size can stop it.
        with pytest.raises(TooLarge):
            ask(server.url, limit=100_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 5_000_000


def test_only_one_layer_is_unpacked():
    inner = gzip.compress(bytes(1000))
    with serving(answering(ok(b"Content-Encoding: gzip\r\n", gzip.compress(inner, mtime=0)))) as server:
        assert ask(server.url).body == inner


def test_gzip_within_the_limit_is_unpacked():
    packed = gzip.compress(bytes(LIMIT))
    for parts in (ok(b"Content-Encoding: gzip\r\n", packed), ok(b"Content-Encoding: GZip\r\n", packed)):
        with serving(answering(parts)) as server:
            assert ask(server.url).body == bytes(LIMIT)
    more = answering(ok(b"Content-Encoding: gzip\r\n", gzip.compress(bytes(LIMIT + 1))))
    with serving(more) as server, pytest.raises(TooLarge):
        ask(server.url)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"br", b"x"),
        (b"deflate", b"x"),
        (b"gzip, gzip", b"x"),
        (b"identity, gzip", b"x"),
        (b"x" * 5000, b"x"),
        (b"gzip", b"not gzip"),
        (b"gzip", b""),
        (b"gzip", gzip.compress(b"data", mtime=0)[:-1]),
        (b"gzip", gzip.compress(b"data", mtime=0) + b"more"),
        (b"gzip", gzip.compress(b"data", mtime=0) * 2),
        (b"gzip", gzip.compress(b"data", mtime=0)[:-6] + b"\0\0\0\0\0\0"),
    ],
)
def test_other_encodings_are_not_read(encoding, body):
    script = answering(ok(b"Content-Encoding: " + encoding + b"\r\n", body))
    with serving(script) as server, pytest.raises(MalformedAnswer):
        ask(server.url)


def test_what_is_asked_for():
    with serving(answering(ok(b""))) as server:
        ask(server.url, headers={"accept-encoding": "gzip", "x-more": "1"})
    head = server.asked[0].lower()
    assert b"\r\naccept-encoding: identity\r\n" in head
    assert b"\r\nx-more: 1\r\n" in head
    assert b"cookie" not in head


# --- elsewhere ---


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["inside", "http://169.254.169.254/latest/meta-data", "https://127.0.0.1/"])
def test_no_redirect_is_followed(status, place):
    with serving(answering(ok(b"", b"secret"))) as inside:
        target = inside.url if place == "inside" else place
        data = f"HTTP/1.1 {status} Go\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        with serving(answering(data)) as server:
            assert ask(server.url).status == status
            with pytest.raises(SourceUnavailable, match=str(status)):
                Website(server.url).read("logs/instance/checkpoint", 100)
            with Client(server.url) as client, pytest.raises(MalformedAnswer, match="sends you to"):
                client.read("/x")
    assert inside.asked == []


def test_an_upgrade_is_no_answer():
    data = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    with serving(answering(data)) as server, pytest.raises(NoAnswer):
        ask(server.url)


def test_a_tls_server_is_known_by_its_name_not_its_address(tmp_path):
    authority = make_authority(tmp_path)
    with serving(answering(ok(b"", b"ok")), authority.server("localhost")) as server:
        url = f"https://localhost:{server.port}/"
        assert ask(url, tls=authority.trusting()).body == b"ok"
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            ask(f"https://127.0.0.1:{server.port}/", tls=authority.trusting())
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            ask(url)
        with pytest.raises(NoAnswer):
            ask(f"http://localhost:{server.port}/")
    assert len(server.asked) == 1


def test_the_real_metadata_address_is_refused_even_locally():
    with pytest.raises(EgressRefused):
        ask("http://169.254.169.254/latest/meta-data/")


# --- the rest of the product is on the same way ---


def test_an_audit_and_the_command_line_read_no_bomb():
    with serving(answering(ok(b"Content-Encoding: gzip\r\n", gzip.compress(bytes(50_000_000))))) as server:
        with pytest.raises(TooLarge):
            Website(server.url).read("x", LIMIT)
        with Client(server.url) as client, pytest.raises(MalformedAnswer):
            client.read("/x")

"""litewitness's scenario, sent to our own witness: over the endpoints, and over a running instance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from federation.endpoints import Request, answer
from federation.witness_routes import ROUTES
from governance.log.checkpoint import open_checkpoint
from governance.signing.note import Ed25519Verifier, parse_note, parse_signatures, parse_vkey
from tests.support.growing_logs import GrowingLog, witness_node
from tests.support.server import running
from tests.support.vectors import load

VECTOR = load("witness_add_checkpoint_sequence")
LOG = parse_vkey(VECTOR["log_vkey"])
UNKNOWN = 2
"""The step about an unknown log: litewitness (2025-06) says 403, tlog-witness v1.0.0 says 404."""

Ask = Callable[[str, str, bytes], tuple[int, bytes, str]]


def play(ask: Ask) -> list[int]:
    """The statuses of the scenario; the bodies of 200 and 409 are looked at as well."""
    statuses, size = [], 0
    for step in VECTOR["steps"]:
        body = step["body"].encode()
        status, content, media_type = ask("POST", f"/witness{step['path']}", body)
        statuses.append(status)
        if status == 200:
            note = body.partition(b"\n\n")[2]
            size = open_checkpoint(note, [Ed25519Verifier(LOG)]).size
            (line,) = parse_signatures(content)
            assert line.name.endswith("/witness")
            assert len(line.signature) == 72
            assert last(ask) == note + content
        elif status == 409:
            assert (content, media_type) == (b"%d\n" % size, "text/x.tlog.size")
        else:
            assert media_type == "application/problem+json"
    return statuses


def last(ask: Ask) -> bytes:
    from hashlib import sha256

    status, content, _ = ask("GET", f"/witness/{sha256(LOG.name.encode()).hexdigest()}/checkpoint", b"")
    assert status == 200
    assert len(parse_note(content).signatures) == 2
    return content


def expected() -> list[int]:
    statuses = [step["status"] for step in VECTOR["steps"]]
    assert statuses[UNKNOWN] == 403
    return [*statuses[:UNKNOWN], 404, *statuses[UNKNOWN + 1 :]]


def test_over_the_endpoints(tmp_path: Path) -> None:
    log = GrowingLog(LOG.name)
    log.signer.key = LOG
    node = witness_node(tmp_path, log)

    def ask(method: str, path: str, body: bytes) -> tuple[int, bytes, str]:
        given = answer(node, ROUTES, Request(method, path, {}, body))
        return given.status, given.body, given.media_type

    assert play(ask) == expected()
    node.db.close()  # type: ignore[attr-defined]


def test_over_a_running_instance(tmp_path: Path) -> None:
    data = tmp_path / "instance"
    data.mkdir()
    (data / "federation.policy").write_text(f"log {LOG}\nquorum none\n")
    with running(tmp_path) as server, httpx.Client(base_url=server.url) as client:

        def ask(method: str, path: str, body: bytes) -> tuple[int, bytes, str]:
            given = client.request(method, path, content=body)
            return given.status_code, given.content, given.headers["content-type"]

        assert play(ask) == expected()
        assert ask("GET", f"/witness/{'0' * 64}/checkpoint", b"")[0] == 404


@pytest.mark.parametrize("number", [0, 5])
def test_the_scenario_signs_as_we_read_it(number: int) -> None:
    note = VECTOR["steps"][number]["body"].encode().partition(b"\n\n")[2]
    assert open_checkpoint(note, [Ed25519Verifier(LOG)]).origin == LOG.name

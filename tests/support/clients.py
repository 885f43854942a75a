"""Clients of a server that may vanish at any moment, and what each of them was promised."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.support.community import SPACE, Community, origin_of
from tests.support.inspection import Acknowledged

GONE = (OSError, http.client.HTTPException)


class Answered(Exception):  # an answer that is no success, for `Community`
    """Status, headers and problem document of an answer that is no success."""

    def __init__(self, status: int, headers: dict[str, str], problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem}")
        self.status, self.headers, self.problem = status, headers, problem


class Client:
    """One connection, kept open."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of any answer."""
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, headers, body = self.request("GET", path)
        if status != 200:
            raise Answered(status, headers, json.loads(body))
        return json.loads(body)

    def post(self, path: str, body: bytes) -> Any:
        """The JSON answer to a statement posted below /api/v1; `Answered` when it is no success."""
        status, headers, content = self.request("POST", f"/api/v1{path}", body)
        if status not in {200, 201}:
            raise Answered(status, headers, json.loads(content))
        return json.loads(content)

    def vote(self, ballot: str, vote: bytes) -> Acknowledged:
        """Cast a vote; what the answer promises."""
        return Acknowledged.of(origin_of(ballot), self.post(f"/spaces/{SPACE}/ballots/{ballot}/votes", vote))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Voter:
    """Votes without end on a connection of its own, until the server is gone or `stop` is called.

    `heard` are the promises; `unanswered` is a vote that was sent without an answer: it is in the log or not.
    """

    def __init__(self, place: Community, ballot: str, number: int) -> None:
        self.ballot = ballot
        self.heard: list[Acknowledged] = []
        self.unanswered: bytes | None = None
        self.refusals: list[Answered] = []
        self._votes: Iterator[bytes] = place.votes(ballot, number)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, port: int) -> None:
        """Vote on in a thread; the unanswered vote first, byte for byte."""
        self._thread = threading.Thread(target=self._run, args=(port,))
        self._thread.start()

    def join(self) -> None:
        """Wait until the server is gone for it."""
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """Let it hear its last answer."""
        self._stop.set()
        self.join()

    def _run(self, port: int) -> None:
        client = Client(port)
        try:
            while not self._stop.is_set():
                vote = self.unanswered or next(self._votes)
                self.unanswered = vote
                self.heard.append(client.vote(self.ballot, vote))
                self.unanswered = None
        except GONE:
            return
        except Answered as e:
            self.refusals.append(e)
        finally:
            client.close()

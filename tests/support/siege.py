"""A server process with a community on it, for tests that take something away from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from governance.service.instance import key_of
from tests.support.clients import Answered, Client
from tests.support.community import SPACE, URL, Community, origin_of
from tests.support.inspection import Acknowledged, Inspected, inspect
from tests.support.nursery import Nursery, Server
from tests.support.ports import free_port


class Siege:
    """A server on one data directory, its founded community, and what voters were promised."""

    def __init__(
        self, nursery: Nursery, database: str | None, home: Path, *, voters: int = 6, **settings: Any
    ) -> None:
        self.database, self.data, self.log = database, home / "data", home / "log"
        self._settings = {"rate": 0} | settings
        self._nursery, self.port = nursery, free_port()
        self.client = Client(self.port)
        self.server = self.start()
        instance = self.client.get("/api/v1/instance")["id"]
        operator = key_of(self.data, "operator", create=False)
        self.place = Community(self.client.post, operator, instance, voters=voters).found()
        self.heard: list[Acknowledged] = []
        self._cast_at = self.place.now - 1_000

    def start(self) -> Server:
        """The server, answering."""
        self.server = self._nursery.start(
            self.log, data=self.data, port=self.port, url=URL, database=self.database, **self._settings
        )
        self.connect()
        return self.server

    def connect(self) -> Client:
        """A new connection; the community uses it from now on."""
        self.client.close()
        self.client = Client(self.port)
        if hasattr(self, "place"):
            self.place.post = self.client.post
        return self.client

    def state(self, ballot: str) -> str:
        """The ballot's state."""
        return str(self.client.get(f"/api/v1/spaces/{SPACE}/ballots/{ballot}")["state"])

    def next_vote(self, ballot: str, voter: int = 0) -> bytes:
        """A vote never cast before."""
        self._cast_at += 1
        return self.place.vote(ballot, voter, self._cast_at)

    def cast(self, ballot: str, voter: int = 0) -> Acknowledged:
        """Cast a new vote; raises `Answered` when it is refused."""
        answer = self.client.vote(ballot, self.next_vote(ballot, voter))
        self.heard.append(answer)
        return answer

    def cast_until_refused(self, ballot: str, tries: int = 2_000) -> Answered:
        """Votes until one is refused; that answer."""
        for _ in range(tries):
            try:
                self.cast(ballot)
            except Answered as e:
                return e
        raise AssertionError(f"{tries} votes were recorded, none was refused")

    def checkpoint(self, ballot: str) -> bytes:
        """The ballot log's public head."""
        path = origin_of(ballot).partition("/")[2]
        status, _, body = self.client.request("GET", f"/logs/{path}/checkpoint")
        assert status == 200
        return body

    def ready(self) -> int:
        """The status of /readyz."""
        return self.client.request("GET", "/readyz")[0]

    def finish(self) -> Inspected:
        """End the server as an operator does; everything that was promised is there."""
        self.client.close()
        assert self.server.stop() in {0, -15}
        return inspect(self.database, self.data, self.heard)

"""Between the event loop and the writer: votes go out to threads and come back in batches."""

from __future__ import annotations

import os

from litestar import Response

from governance.http.workers import Workers
from governance.service import casting
from governance.service.answers import VoteRecorded
from governance.service.casting import Duplicate
from governance.service.core import Service


class Caster:
    """Has votes judged in threads and waits for the writer without blocking the loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.workers = Workers(os.cpu_count() or 1, "votes")

    async def cast(self, space: str, ballot: str, body: bytes) -> Response[VoteRecorded]:
        """Judge, record and answer one vote.

        Raises:
            GovernanceError: why it was not recorded.
        """
        found: VoteRecorded | Duplicate
        found = await self.workers.run(casting.cast, self._service, space, ballot, body)
        if isinstance(found, Duplicate):
            answer: VoteRecorded = await self.workers.run(casting.duplicate, self._service, found)
            return Response(answer, status_code=200)
        return Response(found, status_code=201)

    def close(self) -> None:
        """Finish what is being judged."""
        self.workers.close()

"""A plugin with the two ceilings of casting: a null POST, and a vote that is judged but not stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request, post

from governance.hooks import hookimpl
from governance.service import casting


class Bench:
    """Adds `/bench/null` and `/bench/judge/{space}/{ballot}`."""

    @hookimpl
    def routes(self, service: Any) -> Sequence[Any]:
        """The handlers, bound to the running service."""

        @post("/bench/null", include_in_schema=False)
        async def null(request: Request[Any, Any, Any]) -> dict[str, int]:
            return {"length": len(await request.body())}

        @post("/bench/judge/{space:str}/{ballot:str}", include_in_schema=False)
        async def judge(request: Request[Any, Any, Any], space: str, ballot: str) -> dict[str, str]:
            body = await request.body()
            return {"digest": casting.check(service, space, ballot, body).identity}

        return [null, judge]

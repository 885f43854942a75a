"""A plugin with the two ceilings of casting: a null POST, and a vote that is judged but not stored.

Judging happens in the same threads as for real votes, so that the two differ in recording alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request, post

from governance.hooks import hookimpl
from governance.service import casting
from governance.service.core import Service


@hookimpl
def routes(service: Service) -> Sequence[Any]:
    """`/bench/null` and `/bench/judge/{space}/{ballot}`, bound to the running service."""

    @post("/bench/null", include_in_schema=False)
    async def null(request: Request[Any, Any, Any]) -> dict[str, int]:
        return {"length": len(await request.body())}

    @post("/bench/judge/{space:str}/{ballot:str}", include_in_schema=False)
    async def judge(request: Request[Any, Any, Any], space: str, ballot: str) -> dict[str, str]:
        body = await request.body()
        vote = await request.app.state.caster.workers.run(casting.check, service, space, ballot, body)
        return {"digest": vote.identity}

    return [null, judge]

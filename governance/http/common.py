"""What handlers share."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from governance import limits
from governance.http.problems import documented
from governance.service.core import Service

Serving = NamedDependency[Service]
"""The running service, as handlers take it."""
BODY: Final = limits.STATEMENT_BODY
READ: Final = documented(400, 404)
"""Problems of a read."""
WRITE: Final = documented(400, 403, 404, 409, 413, 422)
"""Problems of posting a statement."""


def repeated(answer: type[Any]) -> dict[int, ResponseSpec]:
    """The OpenAPI response for a statement that was recorded before."""
    return {
        200: ResponseSpec(answer, generate_examples=False, description="Recorded before; nothing changed")
    }


def created(answer: Any, *, new: bool = True) -> Response[Any]:
    """201 for what is new, 200 for what was there already."""
    return Response(answer, status_code=201 if new else 200)

"""Path and query parameters that several controllers share, with their bounds."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from governance import limits
from governance.service.pages import MAX_LIMIT

SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$(?!\n)"
MEMBER = r"^(did:key:z[1-9A-HJ-NP-Za-km-z]{1,2800}|sha256:[0-9a-f]{64})$(?!\n)"

SpaceName = Annotated[str, PathParameter(pattern=SLUG, description="The space's id")]
BallotName = Annotated[str, PathParameter(pattern=SLUG, description="The ballot's id")]
ItemName = Annotated[str, PathParameter(pattern=SLUG, description="The roadmap item's id")]
MemberName = Annotated[str, PathParameter(pattern=MEMBER, description="The member's id (did:key or digest)")]
Index = Annotated[int, PathParameter(ge=0, le=limits.JSON_INTEGER, description="Index in the log")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=4_096, description="`next` of the page before", required=False)
]
Limit = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_LIMIT, description="Items on a page", required=False)
]

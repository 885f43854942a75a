"""The ballot that an argument names, with a client to ask about it."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.place import Place, parse_place

Ballot = Annotated[str, typer.Argument(help="The ballot: its short name, or its address.")]


class Meant:
    """A client with the ballot that an argument names, for a `with` statement."""

    def __init__(self, ballot: str, space: str | None, url: str) -> None:
        self._ballot, self._space = ballot, space
        self._place = parse_place(ballot if "://" in ballot else url)
        self._client = Client(self._place.base_url)

    def __enter__(self) -> tuple[Client, Place]:
        try:
            name = self._place.ballot or self._ballot
            found = spaces.space_of(self._client, self._place, self._space)
        except BaseException:
            self._client.__exit__()
            raise
        return self._client, Place(self._place.base_url, found, name)

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

"""From what somebody typed to the source it means, and to the part of it that was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from governance.errors import NotFound, SourceUnavailable
from governance.fetch.bundle import BundleFile
from governance.fetch.directory import Directory
from governance.fetch.http import Website

Source = Directory | BundleFile | Website

_page: Final = re.compile(
    r"(?P<base>https?://[^?#]+?)/*(?:/api/v1)?"
    r"(?:/spaces/(?P<space>[a-z0-9][a-z0-9-]*)(?:/ballots/(?P<ballot>[a-z0-9][a-z0-9-]*))?(?:/[^?#]*)?)?/*(?:[?#].*)?"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A source; `space` and `ballot` when only those were asked for; `one_log` when it is one log's."""

    files: Source
    space: str | None = None
    ballot: str | None = None
    one_log: bool = False


def open_source(text: str) -> Opened:
    """The source behind a URL, a directory or a bundle file.

    A URL may be the base of an instance or any page or API address of a space or a ballot. A directory holds
    an instance's public files or those of one log.

    Raises:
        SourceUnavailable: nothing is there.
        MalformedArchive: a file that is no bundle.
    """
    if re.match(r"https?://", text, re.IGNORECASE):
        return _open_url(text)
    path = Path(text)
    if path.is_dir():
        return _placed(Directory(path))
    if path.is_file():
        return _placed(BundleFile(path))
    raise SourceUnavailable(f"there is no file or directory {text}; a URL begins with https://")


def _open_url(text: str) -> Opened:
    match = _page.fullmatch(text)
    if match is None:
        raise SourceUnavailable(f"{text} is not the URL of an instance, a space or a ballot")
    return Opened(Website(match["base"].rstrip("/")), match["space"], match["ballot"])


def _placed(files: Directory | BundleFile) -> Opened:
    """Whether the top of the source is an instance's or that of one log."""
    for probe, one_log in ((".well-known/althing.json", False), ("checkpoint", True)):
        try:
            files.read(probe, 1 << 20)
        except NotFound:
            continue
        return Opened(files, one_log=one_log)
    raise SourceUnavailable(
        f"{files.name} holds neither .well-known/althing.json (an instance) nor checkpoint (a log)"
    )

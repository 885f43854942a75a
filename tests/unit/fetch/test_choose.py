import zipfile

import pytest

from governance.errors import GovernanceError, MalformedArchive, SourceUnavailable
from governance.fetch.choose import open_source


@pytest.mark.parametrize(
    ("url", "base", "space", "ballot"),
    [
        ("https://vote.example", "https://vote.example", None, None),
        ("https://vote.example/", "https://vote.example", None, None),
        ("http://127.0.0.1:8000/spaces/nix", "http://127.0.0.1:8000", "nix", None),
        ("https://vote.example/spaces/nix/ballots/2026-q1", "https://vote.example", "nix", "2026-q1"),
        ("https://vote.example/api/v1/spaces/nix/ballots/2026-q1/", "https://vote.example", "nix", "2026-q1"),
        ("https://x.example/gov/api/v1", "https://x.example/gov", None, None),
        ("https://x.example/gov/spaces/a/ballots/b?x=1#top", "https://x.example/gov", "a", "b"),
        ("https://x.example/spaces/a/ballots/b/votes", "https://x.example", "a", "b"),
    ],
)
def test_urls(url, base, space, ballot):
    opened = open_source(url)
    assert (opened.files.name, opened.space, opened.ballot, opened.one_log) == (base, space, ballot, False)


def test_directories(tmp_path):
    with pytest.raises(SourceUnavailable, match="neither"):
        open_source(str(tmp_path))
    (tmp_path / "checkpoint").write_bytes(b"")
    assert open_source(str(tmp_path)).one_log
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "althing.json").write_bytes(b"")
    assert not open_source(str(tmp_path)).one_log


def test_bundles(tmp_path):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/.well-known/althing.json", b"")
    opened = open_source(str(path))
    assert not opened.one_log
    opened.files.close()
    path.write_bytes(b"not a zip")
    with pytest.raises(MalformedArchive):
        open_source(str(path))


@pytest.mark.parametrize("text", ["", "nowhere", "ftp://x.example", "https://", "http://a b/c"])
def test_nothing_there(text):
    with pytest.raises(GovernanceError):
        open_source(text).files.read("checkpoint", 10)

import pytest

from governance.errors import NotFound, SourceUnavailable, TooLarge
from governance.fetch.directory import Directory


@pytest.fixture
def place(tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    root = tmp_path / "public"
    (root / "logs").mkdir(parents=True)
    (root / "logs" / "checkpoint").write_bytes(b"12345")
    return Directory(root)


def test_reads_and_lists(place):
    assert place.read("logs/checkpoint", 5) == b"12345"
    assert list(place.read_many(["logs/checkpoint"] * 2, 5)) == [b"12345"] * 2
    assert place.listing() == ["logs/checkpoint"]


@pytest.mark.parametrize("path", ["nothing", "logs", "logs/checkpoint/x", "../outside", "logs/../../outside"])
def test_what_is_not_there_or_outside(place, path):
    with pytest.raises(NotFound):
        place.read(path, 100)


def test_absolute_paths_are_outside(place, tmp_path):
    with pytest.raises(NotFound):
        place.read(str(tmp_path / "outside"), 100)


def test_too_large(place):
    with pytest.raises(TooLarge):
        place.read("logs/checkpoint", 4)


def test_a_name_no_file_system_takes(place):
    with pytest.raises((NotFound, SourceUnavailable)):
        place.read("x" * 5000, 1)
    with pytest.raises((NotFound, SourceUnavailable)):
        place.read("a\0b", 1)


def test_no_directory(tmp_path):
    with pytest.raises(SourceUnavailable):
        Directory(tmp_path / "none")

import io
import struct
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import GovernanceError, MalformedArchive, NotFound, TooLarge
from governance.fetch import bundle
from governance.fetch.bundle import BundleFile

FILES = {".well-known/althing.json": b"{}", "logs/instance/checkpoint": b"head", "logs/big": bytes(100_000)}


def packed(files, folder="", method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(folder + name, data)
    return out.getvalue()


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "bundle.zip"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("folder", ["", "export/", "a/b/"])
def test_reads_with_or_without_a_folder_around(written, folder):
    source = BundleFile(written(packed(FILES, folder)))
    assert source.read("logs/instance/checkpoint", 10) == b"head"
    assert source.listing() == sorted(FILES)
    assert list(source.read_many(["logs/instance/checkpoint"], 10)) == [b"head"]
    with pytest.raises(NotFound):
        source.read("../etc/passwd", 10)
    source.close()


def test_a_bomb_is_cut_off(written):
    data = packed({"checkpoint": b"", "bomb": bytes(50_000_000)})
    assert len(data) < 100_000
    source = BundleFile(written(data))
    with pytest.raises(TooLarge):
        source.read("bomb", 1000)


def test_a_lying_size_is_cut_off(written):
    data = packed({"checkpoint": b"x" * 9000})
    central = data.rfind(b"PK\x01\x02")
    lied = bytearray(data)
    struct.pack_into("<L", lied, central + 24, 10)
    source = BundleFile(written(bytes(lied)))
    with pytest.raises((TooLarge, MalformedArchive)):
        source.read("checkpoint", 100)


def test_one_flipped_bit_in_a_member_is_seen(written):
    data = bytearray(packed({"checkpoint": b"abc" * 50}, method=zipfile.ZIP_STORED))
    data[data.index(b"abcabc") + 7] ^= 1
    source = BundleFile(written(bytes(data)))
    with pytest.raises(MalformedArchive):
        source.read("checkpoint", 1000)


def test_one_name_twice(written):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("checkpoint", b"1")
            archive.writestr("checkpoint", b"2")
    with pytest.raises(MalformedArchive, match="one name"):
        BundleFile(written(out.getvalue()))


def test_nothing_to_audit_in_it(written):
    with pytest.raises(MalformedArchive, match="neither"):
        BundleFile(written(packed({"readme": b""})))


def test_too_many_files(written, monkeypatch):
    monkeypatch.setattr(bundle, "MEMBERS", 2)
    with pytest.raises(MalformedArchive, match="at most"):
        BundleFile(written(packed(FILES)))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_hostile_bytes(tmp_path_factory, data):
    good = bytearray(packed(FILES))
    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 4))):
            good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    else:
        good = bytearray(data.draw(st.binary(max_size=200)))
    path = tmp_path_factory.mktemp("zip") / "b.zip"
    path.write_bytes(bytes(good))
    try:
        source = BundleFile(path)
        for name in FILES:
            source.read(name, 200_000)
        source.close()
    except GovernanceError:
        pass

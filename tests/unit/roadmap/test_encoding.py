"""Mis-decoded UTF-8 comes back; what was right stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import MalformedRoadmap, TooLarge
from governance.roadmap.encoding import LINE, decode, repair_line


@pytest.mark.parametrize(
    ("codec", "name"), [("sloppy-windows-1252", "windows-1252"), ("mac_roman", "Mac Roman")]
)
@pytest.mark.parametrize("text", ["- ✔ “Done”", "## 🚧 Next ❌", "→ there", "naïve 漢字 text"])
def test_an_exact_accident_is_undone(text: str, codec: str, name: str) -> None:
    assert repair_line(text.encode().decode(codec)) == (text, name, False)


@pytest.mark.parametrize("mark", ["❌", "🏗"])
def test_a_status_mark_that_lost_a_byte_is_recognised(mark: str) -> None:
    damaged = mark.encode().decode("windows-1252", errors="ignore")
    assert len(damaged) < len(mark.encode())
    assert repair_line(f"- {damaged} Ads") == (f"- {mark} Ads", "windows-1252", True)


@pytest.mark.parametrize(
    "line",
    [
        "Straße, Größe, Übung",
        "l’école de l’été, «à côté»",
        "Привет",
        "日本語の計画",
        "✅ 🚧 – “quoted” … 50 €",
        "Ø Å Æ",
        "plain",
        "",
    ],
)
def test_text_that_is_right_stays(line: str) -> None:
    assert repair_line(line) == (line, None, False)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200))
def test_ascii_is_never_touched(line: str) -> None:
    assert repair_line(line)[0] == line


def test_lines_are_counted_as_editors_count_them() -> None:
    decoded = decode("\ufeffa\r\nb\rc\n\u2028d".encode(), name="x")
    assert decoded.lines == ("a", "b", "c", "\u2028d")
    assert decoded.encoding == "utf-8"


def test_only_the_damaged_lines_are_reported() -> None:
    decoded = decode("fine ✅\nâœ… bad\n".encode(), name="x")
    assert [(r.line, r.before, r.after) for r in decoded.repaired] == [(2, "âœ… bad", "✅ bad")]
    assert decoded.encoding == "utf-8 read as windows-1252, repaired"


def test_a_line_beyond_reading_is_cut_and_named() -> None:
    decoded = decode(b"- a\n- " + b"b" * (LINE + 1), name="x")
    assert decoded.cut == (2,)
    assert len(decoded.lines[1]) == LINE


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file: byte 8 is zero"),
        ("# Q1 2026\n- a".encode("utf-16"), "is zero"),
        (b"# caf\xe9", "not UTF-8 text: byte 5"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(MalformedRoadmap, match=message):
        decode(data, name="plan.md")


@pytest.mark.parametrize("data", [b"x" * 10_000_000, b"\n" * 60_000])
def test_too_much_is_refused_by_size(data: bytes) -> None:
    with pytest.raises(TooLarge, match=r"plan\.md has \d+ (?:bytes|lines)"):
        decode(data, name="plan.md")

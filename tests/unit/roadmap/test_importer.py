"""Shapes of roadmaps beyond the five, and everything that is none."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import limits
from governance.errors import Malformed, MalformedRoadmap, TooLarge
from governance.roadmap import ImportedItem, import_roadmap, summary
from governance.roadmap.keys import slug

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PIECES = st.sampled_from(
    [
        "# Roadmap\n",
        "## Q1 2026\n",
        "### Phase 2: Growth (3 Months)\n",
        "## Principles\n",
        "**Features:**\n",
        "**Theme:** Speed\n",
        "**Won't do:**\n",
        "- [ ] a\n",
        "- [x] **b:** c\n",
        "  - nested\n",
        "- ❌ no\n",
        "· pasted\n",
        "1. one\n",
        "\n",
        "---\n",
        "> quote\n",
        "| Feature | Effort |\n|---|---|\n| x | 2 days |\n",
        "```yaml\nkey:\n  status: done\n```\n",
        "    code\n",
        "<!-- note -->\n",
        "<div>\n",
        "Text: more\n",
        "\t- tab\n",
        "- **Q1 2027**\n",
        "**Q3 2026:** thing\n",
        "âŒ\n",
        "### 1. **Big** ✅ DONE\n",
        "**Effort**: 1 week\n",
        "====\n",
    ]
)


def items(text: str) -> tuple[ImportedItem, ...]:
    return import_roadmap(text.encode(), name="roadmap.md").items


def brief(text: str) -> list[tuple[str, str | None, str]]:
    return [(item.title, item.quarter or item.phase, item.status) for item in items(text)]


def test_now_next_later_with_checkboxes_and_item_fields() -> None:
    found = items(
        "# Foo Roadmap 2026\n## Now (next release)\n- [x] Login (2 weeks)\n- [~] Search\n"
        "- [ ] Export\n  - Effort: 3-4 days\n  - Status: in progress\n  - As CSV\n## Later\n- Mail\n"
    )
    assert [(i.title, i.phase, i.status, i.effort, i.effort_days) for i in found] == [
        ("Login", "Now (next release)", "done", "2 weeks", 10),
        ("Search", "Now (next release)", "in-progress", None, None),
        ("Export", "Now (next release)", "in-progress", "3-4 days", 4),
        ("Mail", "Later", "planned", None, None),
    ]
    assert found[2].details == "Status: in progress\nAs CSV"
    assert {item.product for item in found} == {"Foo"}


def test_quarters_without_a_year_take_it_from_the_title() -> None:
    assert brief("# Roadmap 2027\n## Q2\n- a thing\n## July 2026\n- b thing\n") == [
        ("a thing", "2027-Q2", "planned"),
        ("b thing", "2026-Q3", "planned"),
    ]


def test_a_time_may_be_a_caption_a_field_or_a_list_entry() -> None:
    text = (
        "# Roadmap\n**Q1 2026**\n\n- one\n\n**Q2 2026:** Two things\n\n"
        "- **Q3 2026**: three\n- **Q4 2026**\n  - four\n  - five\n"
    )
    assert brief(text) == [
        ("one", "2026-Q1", "planned"),
        ("Two things", "2026-Q2", "planned"),
        ("three", "2026-Q3", "planned"),
        ("four", "2026-Q4", "planned"),
        ("five", "2026-Q4", "planned"),
    ]


def test_a_table_with_an_item_column() -> None:
    found = items(
        "## Backlog\n| Feature | Status | Effort | Target | Owner |\n|---|---|---|---|---|\n"
        "| **Login** | Done | 2d | Q3 2026 | Ann |\n| Logout | | 1-2 months | H2 2026 | |\n"
    )
    assert [(i.title, i.quarter or i.phase, i.status, i.effort_days, i.line) for i in found] == [
        ("Login", "2026-Q3", "done", 2, 4),
        ("Logout", "H2 2026", "planned", 40, 5),
    ]
    assert found[0].details == "Status: Done\nQuarter: Q3 2026\nOwner: Ann"


def test_goals_are_items_only_where_nothing_else_is_listed() -> None:
    assert brief("## Q1 2026\n**Goals:**\n- Ship\n") == [("Ship", "2026-Q1", "planned")]
    assert brief("## Q1 2026\n**Goals:**\n- Ship\n\n**Features:**\n- Login\n") == [
        ("Login", "2026-Q1", "planned")
    ]


def test_subjects_inside_a_quarter_are_themes() -> None:
    found = items("## Q1 2026\n### Security\n- TLS\n\n**Storage:**\n- Backups\n")
    assert [(item.title, item.theme) for item in found] == [
        ("TLS", "Security"),
        ("Backups", "Security: Storage"),
    ]


def test_non_goals_are_not_planned_in_their_own_words() -> None:
    (item,) = items("# Foo Roadmap\n## Non-goals\n- Ads: of any kind\n")
    assert (item.title, item.status, item.product) == ("Ads: of any kind", "not-planned", "Foo")


def test_a_roadmap_without_any_time_still_gives_its_lists_and_sections() -> None:
    assert brief("# Bar Roadmap\n## 1. Schemas ✅\nText.\n- **Builder:** x\n## 2. Docs\n- y\n") == [
        ("Schemas", None, "done"),
        ("Docs", None, "planned"),
    ]


def test_titles_in_other_scripts_have_distinct_keys() -> None:
    first, second, third = items("## 2026\n- 修复\n- 测试\n- Café C++\n")
    assert len({first.key, second.key}) == 2
    assert third.key == "cafe-c"


def test_keys_do_not_depend_on_the_order_of_the_document() -> None:
    lines = ["- A\n", "- B\n", "- Déjà vu\n", "- a!\n", "- a?\n"]
    forward = {item.title: item.key for item in items("## Q1 2026\n" + "".join(lines))}
    backward = {item.title: item.key for item in items("## Q1 2026\n" + "".join(reversed(lines)))}
    assert forward == backward
    assert len(set(forward.values())) == 5


def test_an_item_that_stands_twice_is_taken_once_and_reported() -> None:
    found = import_roadmap(b"## Q1 2026\n- Same\n- Same\n", name="x")
    assert [item.line for item in found.items] == [2]
    assert [(row.line, row.text, row.reason) for row in found.unplaced] == [
        (3, "Same", "the same item stands here twice")
    ]


def test_long_wording_is_titled_by_its_first_sentence_and_kept() -> None:
    sentence = "Key rotation for the disk authority, with a counter in the bundle"
    (item,) = items(
        f"## Next\n- {sentence}. Today the bundle is\n  monotonic for the lifetime of a server process.\n"
    )
    assert item.title == sentence
    assert item.details == "Today the bundle is monotonic for the lifetime of a server process."


def test_an_entry_without_words_is_no_item() -> None:
    found = import_roadmap("## Q1 2026\n- ok\n- :\n- ✅\n".encode(), name="x")
    assert [item.title for item in found.items] == ["ok"]
    assert [(row.line, row.reason) for row in found.unplaced] == [(3, "no words")]


def test_details_and_titles_are_bounded() -> None:
    (item,) = items("## Q1 2026\n- " + "word " * 5_000 + "\n")
    assert len(item.title) <= 160
    assert 160 < len(item.details) <= 2_000


@given(st.text(max_size=40) | st.none(), st.text(max_size=200))
def test_every_slug_is_an_id(product: str | None, title: str) -> None:
    assert KEY.fullmatch(slug(product, title))


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# Roadmap\n", b"Just a letter.\n\nYours\n", b"- a\n- b\n"])
def test_nothing_recognisable_gets_a_clear_message(data: bytes) -> None:
    with pytest.raises(MalformedRoadmap, match=r'no roadmap item was recognised in plan\.md.*"Q1 2026"'):
        import_roadmap(data, name="plan.md")


def test_more_items_than_any_roadmap_has_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 5000 items"):
        import_roadmap(b"# Q1 2026\n" + b"- a\n" * (limits.ROADMAP_ITEMS + 1), name="x")


def own_error_or_success(data: bytes) -> None:
    try:
        found = import_roadmap(data, name="x")
    except Malformed:
        return
    keys = [item.key for item in found.items]
    assert len(set(keys)) == len(keys)
    assert all(KEY.fullmatch(key) for key in keys)
    assert all(item.title and len(item.title) <= 160 for item in found.items)
    assert all(row.line >= 1 and row.reason for row in found.unplaced)
    assert summary(found)


@given(st.binary(max_size=2_000))
def test_any_bytes(data: bytes) -> None:
    own_error_or_success(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=12), max_size=25))
def test_any_document_of_roadmap_pieces(pieces: list[str]) -> None:
    own_error_or_success("".join(pieces).encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "text",
    [
        "- " * 1_000_000,
        ">" * 2_000_000,
        "# Q1 2026\n- " + "*a **b " * 200_000,
        "[" * 1_000_000,
        "# Q1 2026\n" + "|feature" * 100_000 + "\n" + "|-" * 100_000 + "\n|a|\n",
        "".join("  " * depth + "- a\n" for depth in range(1_000)),
        "(" * 1_000_000 + ")" * 1_000_000,
        "# Q1 2026\n- " + " a" * 500_000,
    ],
)
def test_hostile_shapes_end_quickly(text: str) -> None:
    own_error_or_success(text.encode())

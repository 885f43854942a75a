"""The five public roadmaps, each with what it is known to hold."""

from collections import Counter
from pathlib import Path

import pytest

from governance.roadmap import ImportedItem, RoadmapImport, import_roadmap, summary

DATA = Path(__file__).parents[2] / "data" / "roadmaps"
NAMES = sorted(path.name for path in DATA.glob("*.txt"))


def load(number: str) -> RoadmapImport:
    path = next(DATA.glob(f"{number}_*.txt"))
    return import_roadmap(path.read_bytes(), name=path.name)


def titled(found: RoadmapImport, title: str) -> ImportedItem:
    return next(item for item in found.items if item.title == title)


def places(found: RoadmapImport) -> dict[tuple[str | None, str | None], int]:
    return dict(Counter((item.product, item.quarter or item.phase) for item in found.items))


def unplaced(found: RoadmapImport) -> dict[int, str]:
    return {row.line: row.reason for row in found.unplaced}


def test_two_products_by_quarter_with_their_refusals() -> None:
    found = load("000")
    nix, terra = "Luminous Nix", "Terra Lumina"
    assert found.document_title == "Roadmap"
    assert Counter(i.status for i in found.items) == {"planned": 74, "proposed": 18, "not-planned": 23}
    assert places(found) == {
        (nix, "2026-Q1"): 7,
        (nix, "2026-Q2"): 8,
        (nix, "2026-Q3"): 7,
        (nix, "2026-Q4"): 7,
        (nix, "2027 and Beyond"): 5,
        (nix, None): 9,
        (terra, "2026-Q1"): 7,
        (terra, "2026-Q2"): 7,
        (terra, "2026-Q3"): 9,
        (terra, "2026-Q4"): 8,
        (terra, "2027: First Community Transitions"): 5,
        (terra, "2028 and Beyond"): 9,
        (terra, None): 9,
        (None, "Q3-Q4 2026"): 5,
        (None, None): 13,
    }


def test_a_feature_keeps_title_description_theme_and_line() -> None:
    item = titled(load("000"), "Context awareness")
    assert item == ImportedItem(
        key="luminous-nix-context-awareness",
        title="Context awareness",
        product="Luminous Nix",
        quarter="2026-Q1",
        phase=None,
        theme="Better understanding, smarter execution",
        status="planned",
        effort=None,
        effort_days=None,
        details="Remember previous commands and learn from your patterns",
        line=32,
    )


def test_a_captioned_list_has_the_caption_as_its_theme() -> None:
    item = titled(load("000"), "Better debugging tools and logging")
    assert (item.quarter, item.theme) == ("2026-Q1", "Developer Experience")


def test_refusals_keep_their_wording_and_product_without_the_damaged_mark() -> None:
    refused = [item for item in load("000").items if item.status == "not-planned"]
    assert {item.line: item.title for item in refused if item.product == "Luminous Nix"} == {
        115: "Cloud-only service (sovereignty matters)",
        116: "Telemetry without consent (privacy first)",
        117: "Closed-source premium tier (all features open)",
        118: "Engagement-optimized features (consciousness-first)",
        386: "Collect telemetry without explicit consent",
        387: "Require cloud connection for basic features",
        388: "Gate capabilities behind premium tiers",
        389: "Optimize for engagement over utility",
        390: "Lock you into our ecosystem",
    }
    assert [item.line for item in refused if item.product == "Terra Lumina"] == [
        *range(250, 254),
        *range(393, 398),
    ]
    assert [item.line for item in refused if item.product is None] == [*range(400, 405)]
    first, forbidden = refused[0], refused[-1]
    assert first.details == "Not planning to build: Cloud-only service (sovereignty matters)"
    assert forbidden.details == "Both Won't: Pursue growth at expense of values"
    assert all(item.quarter is None and item.phase is None for item in refused)


def test_lossy_windows_1252_is_repaired_and_said() -> None:
    found = load("000")
    repaired = {repair.line: (repair.before, repair.after) for repair in found.repaired_lines}
    assert found.encoding == "utf-8 read as windows-1252, partly lost, repaired"
    assert len(repaired) == 41
    assert repaired[386][0] == "- âŒ Collect telemetry without explicit consent"
    assert repaired[386][1] == "- ❌ Collect telemetry without explicit consent"
    assert repaired[226][1] == "- ✅ Financial returns as projected"
    assert repaired[432][1] == "- GitHub Discussions → Q&A"
    assert repaired[441][1].endswith("💚")


def test_metrics_principles_and_invitations_are_not_items() -> None:
    found = load("000")
    reasons = unplaced(found)
    assert reasons[328] == "principles, not work items"
    assert reasons[297] == "how to take part"
    assert reasons[410] == "how to take part"
    assert reasons[215] == "expected outcomes, not work items"
    assert any(row.text == "Current: v1.0 (Production) (4 parts)" for row in found.unplaced)
    assert not any(
        item.title.startswith(("2,400", "Financial returns", "User sovereignty")) for item in found.items
    )


def test_marks_yaml_blocks_and_pasted_bullets() -> None:
    found = load("001")
    assert found.encoding == "utf-8"
    assert found.repaired_lines == ()
    assert Counter(i.status for i in found.items) == {
        "done": 1,
        "in-progress": 3,
        "planned": 13,
        "proposed": 13,
    }
    assert places(found) == {
        ("BLUX Ecosystem", "2025-Q4"): 3,
        ("BLUX Ecosystem", "2026-Q1"): 3,
        ("BLUX Ecosystem", "2026-Q2"): 3,
        ("BLUX Ecosystem", "2026-Q3"): 3,
        ("BLUX Ecosystem", "Immediate"): 3,
        ("BLUX Ecosystem", "Near-term"): 3,
        ("BLUX Ecosystem", "Long-term"): 3,
        ("BLUX Ecosystem", None): 9,
    }
    assert [item.status for item in found.items[:3]] == ["done", "in-progress", "in-progress"]
    assert found.items[1].title == "v0.9.1: Docker Compose for local development"
    mesh = titled(found, "Service mesh")
    assert (mesh.status, mesh.phase, mesh.line) == ("proposed", "Near-term", 59)
    assert mesh.details == (
        "Linkerd/Istio integration for advanced networking\n"
        "Status: research\nTarget: v1.2.0\nPeriod: 3-6 Months"
    )
    research = titled(found, "Homomorphic Encryption")
    assert (research.status, research.theme) == ("proposed", "Security & Privacy")
    assert unplaced(found)[123] == "figures to reach, not work items"
    assert unplaced(found)[109] == "goals, not work items"


def test_the_same_title_in_two_places_gives_two_keys() -> None:
    keys = [item.key for item in load("001").items if item.title.lower() == "federated learning"]
    assert keys == ["blux-ecosystem-federated-learning-44c26b31a3", "blux-ecosystem-federated-learning"]


def test_numbered_milestones_under_bold_phase_headings() -> None:
    found = load("002")
    assert places(found) == {
        (None, "Phase 1: Early Adoption, Prototype Refinement, and Public Beta"): 5,
        (None, "Phase 2: On-Chain Task Distribution and Client Marketplace"): 5,
        (None, "Phase 3: Global Network Expansion and Learning Integration"): 6,
    }
    assert {item.status for item in found.items} == {"planned"}
    assert titled(found, "Public Beta Launch").details == (
        "Release the browser extension for bandwidth sharing.\n"
        "Deploy the decentralized DApp for task management and dataset access.\n"
        "Period: 0–6 Months"
    )


def test_text_appended_for_readers_of_another_kind_is_only_text() -> None:
    found = load("002")
    row = next(row for row in found.unplaced if row.line == 100)
    assert row.text.startswith("Agent Instructions")
    assert row.reason == "no quarter, phase or plan in the headings above it"
    assert max(item.line for item in found.items) == 83


def test_checkbox_lists_under_phases_and_sub_phases() -> None:
    found = load("003")
    assert found.document_title == "CommonsNet Roadmap"
    assert found.encoding == "utf-8 read as Mac Roman, repaired"
    assert len(found.repaired_lines) == 10
    assert found.repaired_lines[1].after == "### ✅ Completed"
    assert Counter(i.status for i in found.items) == {"done": 5, "planned": 78}
    counts = places(found)
    assert counts["CommonsNet", "Phase 0 - Foundation Design"] == 5
    assert counts["CommonsNet", "Phase 1.2: Community Features"] == 5
    assert counts["CommonsNet", "Phase 1.3: Initial Integration"] == 4
    item = titled(found, "Liquid democracy voting systems")
    assert (item.phase, item.theme) == ("Phase 2.2: Advanced Governance", "Phase 2: Regional Scaling")
    assert item.details == "Period: Months 19-21"
    prototype = titled(found, "Minimum viable prototype (single community)")
    assert (prototype.phase, prototype.status) == ("Phase 0.1", "planned")
    reasons = unplaced(found)
    assert reasons[204] == "figures to reach, not work items"
    assert reasons[159] == reasons[279] == "how to take part"
    assert reasons[301] == "links"


def test_numbered_features_with_priority_effort_and_impact() -> None:
    found = load("004")
    assert found.encoding == "utf-8 read as Mac Roman, repaired"
    assert [(i.title, i.quarter or i.phase, i.status, i.effort, i.effort_days) for i in found.items] == [
        ("Docker Compose Quick Start", "2026-Q1", "planned", "2 days", 2),
        ("Web Dashboard (Real-Time Visualization)", "2026-Q1", "planned", "1 week", 5),
        ("Pre-built Docker Images", "2026-Q1", "done", "3 days", 3),
        ("Kubernetes Operator", "2026-Q2", "planned", "2 weeks", 10),
        ("Enhanced CLI with Rich TUI", "2026-Q2", "planned", "1 week", 5),
        ("Alerting Integrations", "2026-Q2", "planned", "1 week", 5),
        ("Multi-Tenancy / RBAC", "2026-Q3", "planned", "2 weeks", 10),
        ("Plugin System", "2026-Q3", "planned", "2 weeks", 10),
        ("Historical Data Storage", "2026-Q3", "planned", "1 week", 5),
        ("Cost Dashboard", "Future Ideas", "proposed", None, None),
        ("Mobile App", "Future Ideas", "proposed", None, None),
        ("VS Code Extension", "Future Ideas", "proposed", None, None),
        ("eBPF Playground", "Future Ideas", "proposed", None, None),
        ("Auto-Remediation", "Future Ideas", "proposed", None, None),
    ]
    assert {item.product for item in found.items} == {"Linnix"}
    first = found.items[0]
    assert first.theme == "Immediate - Adoption Focus"
    assert first.details.startswith("Priority: CRITICAL\nImpact: Removes #1 adoption barrier\nProblem: ")
    assert "Success Metrics:\n- Time-to-first-insight: <5 minutes" in first.details
    reasons = unplaced(found)
    assert reasons[329] == reasons[343] == "repeats items of other sections"
    assert reasons[407] == "figures to reach, not work items"


@pytest.mark.parametrize("name", NAMES)
def test_importing_twice_gives_the_same(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert import_roadmap(data, name=name) == import_roadmap(data, name="another name")


@pytest.mark.parametrize("name", NAMES)
def test_keys_survive_an_insertion_before_them(name: str) -> None:
    data = (DATA / name).read_bytes()
    before = import_roadmap(data, name=name).items
    heading, rest = data.decode().split("\n", 1)
    added = f"{heading}\n\n## Q1 2031\n\n- A new thing nobody had\n\n{rest}"
    inserted, *after = import_roadmap(added.encode(), name=name).items
    assert (inserted.title, inserted.quarter) == ("A new thing nobody had", "2031-Q1")
    assert [item.key for item in after] == [item.key for item in before]


@pytest.mark.parametrize("name", NAMES)
def test_no_markdown_or_damage_is_left_in_any_title(name: str) -> None:
    for item in import_roadmap((DATA / name).read_bytes(), name=name).items:
        assert not set("*`❌✅⭐âŒ‚\uf8ff") & set(item.title), item.title


def test_the_preview_counts_and_says_what_was_repaired_and_left() -> None:
    lines = summary(load("004"))
    assert lines[:6] == [
        "Linnix Open Source Roadmap: 14 items (1 done, 8 planned, 5 proposed)",
        "  Linnix",
        "    2026-Q1: 3 items (1 done, 2 planned)",
        "    2026-Q2: 3 items (3 planned)",
        "    2026-Q3: 3 items (3 planned)",
        "    Future Ideas: 5 items (5 proposed)",
    ]
    assert lines[6] == "Encoding: utf-8 read as Mac Roman, repaired (63 lines)"
    assert lines[12] == "  and 58 more"
    assert "  line 329: Feature Prioritization Matrix: a table — repeats items of other sections" in lines

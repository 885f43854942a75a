"""Real elections with known results, from tests/data/elections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "elections"

LODZ = "pb-approval-greedy_Poland_Lodz_2022_Stary_Widzew.pb"
TOULOUSE = "pb-cumulative_France_Toulouse_2019.pb"
ASSEN = "pb-mes_Netherlands_Assen_2024.pb"
SWIECIE = "pb-mes_Poland_Swiecie_2023.pb"
KRAKOW = "pb-positional_Poland_Krakow_2018_Mistrzejowice.pb"


def load(name: str) -> tuple[bytes, dict[str, Any]]:
    """The bytes of an election file, and what its count must give."""
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text())["expected"]
    return (FOLDER / name).read_bytes(), expected


MINNEAPOLIS = "irv_2013_minneapolis_mayor.blt"
BURLINGTON = "irv-condorcet_burlington-2009-final-three.json"
MEEK = ("stv-meek-wigm_42.blt", "stv-meek-wigm_M135.blt")
SCOTTISH = (
    "stv-scottish_aberdeen_2017_ward12.blt",
    "stv-scottish_edinburgh_2022_ward5.blt",
    "stv-scottish_glasgow-Anderston-City-2007.blt",
    "stv-scottish_glasgow-Calton-2007.blt",
    "stv-scottish_glasgow-Hillhead-2007.blt",
    "stv-scottish_tie-weak-defeat.blt",
)
DEBIAN = (
    "schulze_debian-leader-2006.txt",
    "schulze_debian-leader-2012.toc",
    "schulze_debian-leader-2020.txt",
)
ORSAY = ("mj-score_orsay-2007-bureau-01.csv", "mj-score_orsay-2007-bureau-06.csv")
SNAPSHOT = {
    "dao_snapshot-approval.json": "approval",
    "dao_snapshot-quadratic.json": "snapshot-quadratic",
    "dao_snapshot-singleChoice.json": "plurality",
}

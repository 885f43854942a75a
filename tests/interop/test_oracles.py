"""Counts agree with other people's libraries, in an environment of their own that ALTHING_ORACLES names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ORACLES = os.environ.get("ALTHING_ORACLES", "")
COMPARE = Path(__file__).parents[1] / "oracles" / "compare.py"

pytestmark = pytest.mark.skipif(not ORACLES, reason="ALTHING_ORACLES names no environment with the libraries")


@pytest.mark.slow
def test_every_difference_has_a_reason(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.jsonl"
    with profiles.open("wb") as file:
        made = [sys.executable, "-m", "tests.oracles.profiles"]
        subprocess.run(made, cwd=COMPARE.parents[2], stdout=file, check=True, timeout=120)
    python = Path(ORACLES) / "bin" / "python"
    asked = [python, COMPARE, profiles]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=500)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agree" in done.stdout, "none of the libraries is installed there"

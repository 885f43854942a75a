"""`python -m tests.bench [NAMES] [--quick] [--json FILE]`: every figure beside its ceiling, in one table.

Names: sqlite, postgres, audit, counts, rules, delegation, mirror, peers; all without any. Nothing here fails
when a goal is missed: machines and their neighbours differ, and the table says what was measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.bench import auditing, casting, counts, delegating, mirroring, peering, rules
from tests.bench.figures import Figure, show

ROWS: Final[dict[str, Callable[[bool], Iterator[Figure]]]] = {
    "sqlite": casting.sqlite,
    "postgres": casting.postgres,
    "audit": auditing.run,
    "counts": counts.run,
    "rules": rules.run,
    "delegation": delegating.run,
    "mirror": mirroring.run,
    "peers": peering.run,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *ROWS], help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="leave out the sizes of a million")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name in chosen.names or ROWS:
        for figure in ROWS[name](chosen.quick):
            ratio = "" if figure.ratio is None else f" = {figure.ratio:.2f} of {figure.against}"
            print(
                f"{figure.row}: {figure.name}: {figure.value} {figure.unit}{ratio}",
                file=sys.stderr,
                flush=True,
            )
            figures.append(figure)
    show(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps([figure.to_json() for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()

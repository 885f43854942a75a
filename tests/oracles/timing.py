"""How long each library takes for one profile, from standard input; one JSON line for each (tests/bench)."""

from __future__ import annotations

import json
import sys
import time

from compare import comparisons


def main() -> None:
    """Building the library's own objects is part of its time, as grouping is of ours."""
    made = json.loads(sys.stdin.read())
    for comparison in comparisons():
        if made["case"] in comparison.cases:
            start = time.perf_counter()
            found = comparison.compare(made)
            seconds = time.perf_counter() - start
            agrees = found.theirs == found.ours
            print(json.dumps({"name": comparison.name, "seconds": seconds, "agrees": agrees}), flush=True)


if __name__ == "__main__":
    main()

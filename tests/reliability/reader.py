"""`python -m reliability.reader HOME PAUSE`: checks the current build repeatedly until stdin closes."""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path

from reliability.homes import check


def main() -> None:
    """Prints the checks, builds and errors as one JSON object."""
    home, pause = Path(sys.argv[1]), float(sys.argv[2])
    checks, builds, errors = 0, set(), []
    while not select.select([sys.stdin], [], [], pause)[0]:
        try:
            builds.add(check(home))
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
        checks += 1
    print(json.dumps({"checks": checks, "builds": sorted(builds), "errors": errors}))


if __name__ == "__main__":
    main()

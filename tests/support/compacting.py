"""Compacts the warehouse of a home as a refresh does after publishing: `python -m support.compacting HOME FREE_BYTES [WHEN]`.

WHEN is `before` or `after`: the process is killed, as by `kill -9`, before or after the new file takes the old one's place.
What is said goes to stderr, a line each.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from harmrank.home import compaction
from harmrank.home.folder import Home


def _die(when: str) -> None:
    replace = os.replace

    def dying(*arguments: Any) -> None:
        if when == "after":
            replace(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    os.replace = dying


def main() -> None:
    """Compact, with a lower threshold than a refresh has."""
    home, worth = Home(Path(sys.argv[1])), compaction.Worth(free_bytes=int(sys.argv[2]))
    for when in sys.argv[3:]:
        _die(when)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with home.lock():
        for remark in compaction.compact(home, say, worth):
            say(remark)


if __name__ == "__main__":
    main()

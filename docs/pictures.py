"""Draws the README's picture from a published home: `make pictures`."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from harmrank import reading, show
from harmrank.home import Home

WIDTH = 132


def main() -> None:
    """Write docs/images/top.svg from the home named on the command line."""
    home = Home(Path(sys.argv[1]))
    build, places = reading.top(home, 10)
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    show.print_top(console, build, places)
    # The picture must draw without fetching a font from anywhere.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    picture = console.export_svg(title="harmrank top", code_format=template, unique_id="top")
    target = Path(__file__).parent / "images" / "top.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture, encoding="utf-8")
    print(f"wrote {target.name}")


if __name__ == "__main__":
    main()

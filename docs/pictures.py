"""Draws the pictures of README.md and docs/briefing.md from a published home: `make pictures`."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from harmrank.cli import show
from harmrank.home.folder import Home
from harmrank.reading import published_mart
from harmrank.reading.briefing import paper

WIDTH = 132
IMAGES = Path(__file__).parent / "images"


def main() -> None:
    """Writes the pictures of the home on the command line."""
    home = Home(Path(sys.argv[1]))
    IMAGES.mkdir(exist_ok=True)
    top(home)
    head_of_the_briefing(home)


def top(home: Home) -> None:
    """Writes docs/images/top.svg: the output of `harmrank top`."""
    build, places = published_mart.top(home, 10)
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    show.print_top(console, build, places)
    # The picture must not fetch a font.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    picture = console.export_svg(title="harmrank top", code_format=template, unique_id="top")
    (IMAGES / "top.svg").write_text(picture, encoding="utf-8")
    print("wrote top.svg")


def head_of_the_briefing(home: Home) -> None:
    """Writes docs/images/briefing.png: the briefing down to the head of its list. Needs Chromium; without it, does nothing."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("briefing.png is unchanged: no Chromium on this machine")
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "briefing.html"
        paper.write(home, page_file, operational=False)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1000, "height": 1560})
        page.goto(page_file.as_uri())
        shot = page.screenshot()
        browser.close()
    # 64 colours are enough and take a third of the bytes.
    Image.open(BytesIO(shot)).quantize(64).save(IMAGES / "briefing.png", optimize=True)
    print("wrote briefing.png")


if __name__ == "__main__":
    main()

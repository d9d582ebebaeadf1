"""Takes the pictures of docs/bi.md, as a viewer on a laptop sees the dashboards, from a running `make bi`.

    python bi/superset/pictures.py --password VIEWERS_PASSWORD [--address http://127.0.0.1:8088]

Runs in harmrank's environment (make dev). Take them of the demo: its people are invented.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from timings import CHROMIUM, log_in

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
# Dashboard and how much of its height is shown, in pixels.
SHOWN = {"the-hundred": 1710, "evidence": 1460, "harm-over-time": 1480, "trust-in-the-data": 1560}
WIDTH = 1366
_COLOURS = 64


def main() -> None:
    """Logs in, opens each dashboard and saves its picture."""
    parser = argparse.ArgumentParser(description="Take the pictures of docs/bi.md.")
    parser.add_argument("--address", default="http://127.0.0.1:8088")
    parser.add_argument("--password", required=True)
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": WIDTH, "height": 900}, locale="en-GB")
        context.set_default_timeout(120_000)
        log_in(context, given.address, "viewer", given.password)
        for dashboard, height in SHOWN.items():
            page = context.new_page()
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.goto(f"{given.address}/superset/dashboard/{dashboard}/")
            _wait(page)
            path = IMAGES / f"bi_{dashboard.replace('-', '_')}.png"
            _save(page.screenshot(), path)
            print(path.name, path.stat().st_size // 1000, "kB")
            page.close()
        browser.close()


def _wait(page: Page) -> None:
    charts = page.locator("[data-test='chart-grid-component']")
    charts.first.wait_for()
    for chart in charts.all():
        chart.scroll_into_view_if_needed()
        chart.locator("canvas, table, .header-line, .ant-empty").first.wait_for()
    page.evaluate("document.querySelectorAll('*').forEach(part => part.scrollTop = 0)")
    # The charts are animated while they draw.
    page.wait_for_timeout(3000)


def _save(picture: bytes, path: Path) -> None:
    """Saves with 64 colours, which takes a third of the size."""
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()

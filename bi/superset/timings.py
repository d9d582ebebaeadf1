"""Measures how long a reader waits: from the end of a refresh to the first answer, and for each chart's query.

    python bi/superset/timings.py --home HOME --address http://127.0.0.1:8088 --password ... [--refresh EXTRACTS]

Runs in harmrank's environment (make dev) beside a running `make bi`. `--refresh` runs harmrank refresh first, so that
the first answer is of a new build. Queries are timed in the browser, from question to answer.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import BrowserContext, Response, sync_playwright

DASHBOARDS = ["the-hundred", "evidence", "harm-over-time", "trust-in-the-data"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_RUNS = 3
_LOGINS = 4


def main() -> None:
    """Measures and prints."""
    given = _arguments()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1366, "height": 900})
        context.set_default_timeout(120_000)
        log_in(context, given.address, given.user, given.password)
        if given.refresh:
            print(f"from the end of a refresh to the first answer: {_first_answer(context, given):.2f} s")
        queries: dict[str, list[float]] = {}
        for dashboard in DASHBOARDS * _RUNS:
            for chart, seconds in _queries(context, f"{given.address}/superset/dashboard/{dashboard}/"):
                queries.setdefault(f"{dashboard}: {chart}", []).append(seconds)
        browser.close()
    print(f"queries of {len(queries)} charts, {_RUNS} visits each; median and slowest in seconds")
    medians = {chart: (sorted(times)[len(times) // 2], max(times)) for chart, times in queries.items()}
    for chart, (median, slowest) in sorted(medians.items(), key=lambda item: -item[1][0]):
        print(f"{median:7.3f} {slowest:7.3f}  {chart}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long a reader of the dashboards waits.")
    parser.add_argument("--home", required=True)
    parser.add_argument("--address", default="http://127.0.0.1:8088")
    parser.add_argument("--user", default="viewer")
    parser.add_argument("--password", required=True)
    parser.add_argument("--refresh", help="extracts to refresh from first")
    return parser.parse_args()


def log_in(context: BrowserContext, address: str, user: str, password: str) -> None:
    """Logs in by the form, and again if the session did not last.

    The form's page sends a late report to Superset, whose answer can end the new session.
    """
    for _ in range(_LOGINS):
        page = context.new_page()
        page.goto(f"{address}/login/", wait_until="networkidle")
        page.locator("input[name=username], #username").first.fill(user)
        page.locator("input[name=password], #password").first.fill(password)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()
        page.wait_for_load_state("networkidle")
        page.close()
        me = context.request.get(f"{address}/api/v1/me/")
        if me.ok and me.json()["result"].get("username") == user:
            return
    raise SystemExit(f"{user} could not log in at {address}: is the password right?")


def _first_answer(context: BrowserContext, given: argparse.Namespace) -> float:
    """Returns seconds from the end of a refresh until the first chart of The hundred has its answer."""
    command = [sys.executable, "-m", "harmrank", "refresh", given.refresh, "--home", given.home]
    subprocess.run(command, check=False)  # noqa: S603 - the command is harmrank itself
    start = time.monotonic()
    page = context.new_page()
    with page.expect_response(lambda answer: "/api/v1/chart/data" in answer.url):
        page.goto(f"{given.address}/superset/dashboard/the-hundred/")
    seconds = time.monotonic() - start
    page.close()
    return seconds


def _queries(context: BrowserContext, address: str) -> list[tuple[str, float]]:
    """Returns every query of a dashboard: the chart and the seconds from request to answer."""
    answers: list[Response] = []
    page = context.new_page()
    page.on("response", lambda answer: answers.append(answer) if "/api/v1/chart/data" in answer.url else None)
    page.goto(address)
    charts = page.locator("[data-test='chart-grid-component']")
    charts.first.wait_for()
    for chart in charts.all():
        chart.scroll_into_view_if_needed()
        chart.locator("canvas, table, .header-line, .ant-empty, [role=alert]").first.wait_for()
    names: dict[str, Any] = {
        chart.get_attribute("data-test-chart-id") or "": chart.get_attribute("data-test-chart-name")
        for chart in charts.all()
    }
    timed = [(_chart_of(answer, names), answer.request.timing["responseEnd"] / 1000) for answer in answers]
    page.close()
    return [(chart, seconds) for chart, seconds in timed if chart]


def _chart_of(answer: Response, names: dict[str, Any]) -> str | None:
    number = json.loads(answer.request.post_data or "{}").get("form_data", {}).get("slice_id")
    return names.get(str(number))


if __name__ == "__main__":
    main()

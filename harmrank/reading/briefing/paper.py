"""Writes the paper for the monthly meeting: one HTML page that needs no network and prints on A4.

facts.py reads the published mart, sentences.py and captions.py word it, charts.py draws it, the template lays it out.
"""

from __future__ import annotations

import logging
import re
from calendar import month_name
from dataclasses import dataclass
from pathlib import Path

from harmrank.home.folder import Home
from harmrank.machine import disk
from harmrank.reading.briefing import captions, sentences
from harmrank.reading.briefing import facts as briefing_facts
from harmrank.reading.briefing.facts import Facts
from harmrank.reading.explaining import changes, correction_of, reason_of
from harmrank.reading.published_mart import Row
from harmrank.text import pages
from harmrank.text.printable import printable_rows
from harmrank.text.wording import as_known, brief, day, split

# No line ends between a figure and its per cent sign, or within a date.
_KEPT_TOGETHER = re.compile(rf"(?<=\d) (?=%|(?:{'|'.join(month_name[1:])}) \d)")


@dataclass(frozen=True)
class Chart:
    """A chart and its caption."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Paper:
    """Everything the template needs beside the rows of facts.py."""

    of: str
    lead: list[str]
    figures: list[sentences.Figure]
    findings: list[sentences.Finding]
    cut_off: str
    redraws: str
    data: list[str]
    limits: list[str]
    charts: dict[str, Chart]


def write(home: Home, path: Path, operational: bool) -> tuple[Row, int]:
    """Writes the briefing on the published list to a new file that its owner alone can read (mode 600).

    Returns the build and the size of the file in bytes. `operational` adds names and dates of birth. Raises UsageError if
    nothing has been published or the file exists or cannot be created, HarmrankError if the build cannot be read.
    """
    with disk.new_file(path) as file:
        facts = briefing_facts.read(home, with_names=operational)
        text = page(facts, operational)
        file.write(text)
    return facts.build, len(text.encode())


def page(facts: Facts, operational: bool) -> str:
    """Returns the briefing as HTML: the same facts, the same text."""
    facts = Facts(**{name: printable_rows(value) for name, value in vars(facts).items()})
    text = pages.render(
        "briefing.html",
        facts=facts,
        build=facts.build,
        paper=paper(facts),
        operational=operational,
        reason_of=lambda row: sentences.capitalised(reason_of(row)),
        changes=lambda row: " ".join(changes(row, facts.build["harm_unit"])),
        ahead_by=lambda row: sentences.ahead_by(row, facts.build["harm_unit"]),
        correction_of=correction_of,
        as_of=sentences.as_of(facts),
        order=sentences.order(),
        no_earlier_list=sentences.NO_EARLIER_LIST,
        moved=sentences.moved,
        split=split,
        brief=brief,
    )
    return _KEPT_TOGETHER.sub("\N{NO-BREAK SPACE}", text)


def paper(facts: Facts) -> Paper:
    """Returns the sentences and charts of the page."""
    on_the_day = ", ".join(filter(None, [day(facts.build["list_date"]), as_known(facts.build["known_at"])]))
    return Paper(
        of=f"The list of {on_the_day}",
        lead=list(sentences.lead(facts)),
        figures=list(sentences.figures(facts)),
        findings=list(sentences.findings(facts)),
        cut_off=sentences.cut_off(facts),
        redraws=sentences.redraws(facts),
        data=list(sentences.data(facts)),
        limits=sentences.limits(facts),
        charts=_charts(facts),
    )


def _charts(facts: Facts) -> dict[str, Chart]:
    """The charts by name, without those that have nothing to draw."""
    # matplotlib would print that it searches for fonts, and where it keeps their list.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # matplotlib takes half a second to load: no other command should wait for it.
    from harmrank.reading.briefing import charts as draw

    half, wide, high = (4.3, 2.45), (8.6, 2.6), (8.6, 3.9)
    offenders = [row for row in facts.concentration if row["share_of"] == "offenders"]
    redrawn = [row for row in facts.places if row["listed_in_redraws"] is not None]
    unit = sentences.capitalised(facts.build["harm_unit"])
    charts = [
        ("harm", "Harm of the list by status", captions.lists, draw.harm_by_status(facts.lists, unit), half),
        ("churn", "Who came and went", captions.churn, draw.comings_and_goings(facts.lists), half),
        ("concentration", "How concentrated the harm is", captions.concentration, draw.concentration(offenders), half),
        ("months", "Harm of all recorded crime", captions.months, draw.months(facts.months), high),
        ("redraws", "How firm the places are", captions.redraws, draw.redraws(redrawn), wide),
    ]
    return {
        name: Chart(title, caption, draw.picture(name, title, caption, drawing, size))
        for name, title, caption_of, drawing, size in charts
        if (caption := caption_of(facts))
    }

"""Judges in one line for a monitor whether a home is fresh: by its last successful refresh and by its list date.

Reads the journal and the manifest only, so it works during a refresh and with an open or damaged warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from harmrank.errors import UsageError
from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.machine.clock import utc_now
from harmrank.publishing import current_build
from harmrank.text.durations import spoken

_CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future the last refresh may have ended before the clock is questioned."""


@dataclass(frozen=True)
class Freshness:
    """The answer in one line (`said`), with the reasons. `ended_well_at` is UTC; an age is None if there is no refresh or list."""

    is_stale: bool
    said: str
    ended_well_at: datetime | None
    age_seconds: int | None
    list_date: date | None
    list_age_days: int | None
    at_work: str | None
    reasons: list[str]


def judge(home: Home, max_age: timedelta | None, max_list_age: timedelta | None, thoroughly: bool = False) -> Freshness:
    """Returns whether the last successful refresh is older than `max_age` or the list older than `max_list_age`.

    With `max_list_age` it is also stale if a force has gone silent; without it the line only says so, because the scheduler
    is healthy. A damaged published build, and a list that waits to be published on purpose, are always stale. A refresh is
    successful if it published a list or found nothing new, even if it refused an extract: a scheduler that runs and gets
    nothing is healthy. Raises UsageError for a past list, which does not age.
    """
    if home.past_list is not None:
        raise UsageError(f"{home.root} holds a past list, which does not age: name the home it came from")
    damaged = current_build.faults(home, thoroughly)
    manifest = current_build.manifest_if_whole(home)
    with home.looked_at() as process:
        entry = journal.read(home)
    at_work = journal.at_work(process, entry)
    ended_well_at, now = _ended_well_at(entry, manifest), utc_now()
    age = now - ended_well_at if ended_well_at else None
    list_date = date.fromisoformat(manifest["list_date"]) if manifest else None
    list_age = now.date() - list_date if list_date else None
    waiting = current_build.waiting(home)
    reasons = [*damaged, *([waiting.waits_because] if waiting else [])]
    if not manifest and not damaged:
        reasons.append("nothing has been published yet")
    if max_age and not (age is not None and -_CLOCK_TOLERANCE <= age <= max_age):
        reasons.append(_too_old(age, max_age))
        build_id = manifest["build_id"] if manifest else None
        reasons += [at_work] if at_work else journal.unfinished(process, build_id, entry)
    if max_list_age and list_age is not None and list_age > max_list_age:
        reasons.append(f"the list is for {list_date}, {list_age.days} days ago, more than {spoken(max_list_age)}")
    silent = manifest.get("silent", []) if manifest else []
    if max_list_age:
        reasons += silent
    ago = f"the last successful refresh ended {spoken(age)} ago, " if age is not None else ""
    fresh = "; ".join([f"fresh: {ago}the list is for {list_date}", *silent])
    return Freshness(
        is_stale=bool(reasons),
        said=f"stale: {'; '.join(reasons)}" if reasons else fresh,
        ended_well_at=ended_well_at,
        age_seconds=int(age.total_seconds()) if age is not None else None,
        list_date=list_date,
        list_age_days=list_age.days if list_age is not None else None,
        at_work=at_work,
        reasons=reasons,
    )


def _too_old(age: timedelta | None, max_age: timedelta) -> str:
    if age is None:
        return "no refresh has succeeded yet"
    if age < timedelta():
        return f"the last successful refresh ended {spoken(age)} in the future: is this machine's clock right?"
    return f"the last successful refresh ended {spoken(age)} ago, more than {spoken(max_age)}: does the scheduler run?"


def _ended_well_at(entry: dict[str, Any] | None, manifest: dict[str, Any] | None) -> datetime | None:
    """Returns when a refresh last succeeded: the later of the journal's entry and the start of the published build."""
    said = [(entry or {}).get("ended_well_at"), (manifest or {}).get("built_at")]
    moments = [datetime.fromisoformat(text.removesuffix("Z")) for text in said if isinstance(text, str)]
    return max(moments, default=None)

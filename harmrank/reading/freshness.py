"""Whether a home is looked after, in one line for a monitor: when a refresh last ended well, and of what day the list is.

Asks the journal and the manifest alone, so that a refresh at work, an open or a damaged warehouse is in nobody's way.
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
"""By how much a refresh may have ended in the future before that is remarked upon."""


@dataclass(frozen=True)
class Freshness:
    """The answer. `ended_well_at` is UTC, `said` one line; the ages are None where there is nothing to be of an age."""

    is_stale: bool
    said: str
    ended_well_at: datetime | None
    age_seconds: int | None
    list_date: date | None
    list_age_days: int | None
    at_work: str | None
    reasons: list[str]


def judge(home: Home, max_age: timedelta | None, max_list_age: timedelta | None, thoroughly: bool = False) -> Freshness:
    """Whether the last refresh that ended well ended no longer than `max_age` ago, and the list is no older than
    `max_list_age`; a published build that is damaged is stale by either.

    Well ended is what published a list or found nothing new, with or without an extract that was refused: a
    scheduler that runs and gets nothing is healthy. Raises UsageError for a past list, which does not age.
    """
    if home.remade is not None:
        raise UsageError(
            f"{home.root} holds a list as it was known on a day, which does not age: ask the home it came from"
        )
    damaged = current_build.faults(home, thoroughly)
    manifest = current_build.manifest_if_whole(home)
    with home.looked_at() as process:
        entry = journal.read(home)
    at_work = journal.at_work(process, entry)
    ended_well_at, now = _ended_well_at(entry, manifest), utc_now()
    age = now - ended_well_at if ended_well_at else None
    list_date = date.fromisoformat(manifest["list_date"]) if manifest else None
    list_age = now.date() - list_date if list_date else None
    reasons = [*damaged]
    if not manifest and not damaged:
        reasons.append("nothing has been published yet")
    if max_age and not (age is not None and -_CLOCK_TOLERANCE <= age <= max_age):
        reasons.append(_too_old(age, max_age))
        build_id = manifest["build_id"] if manifest else None
        reasons += [at_work] if at_work else journal.unfinished(process, build_id, entry)
    if max_list_age and list_age is not None and list_age > max_list_age:
        reasons.append(f"the list is for {list_date}, {list_age.days} days ago, more than {spoken(max_list_age)}")
    ago = f"the last refresh that ended well did so {spoken(age)} ago, " if age is not None else ""
    fresh = f"fresh: {ago}the list is for {list_date}"
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
        return "no refresh has ended well yet"
    if age < timedelta():
        return f"the last refresh that ended well did so {spoken(age)} from now: is this machine's clock right?"
    return f"no refresh has ended well for {spoken(age)}, more than {spoken(max_age)}: does the scheduler run?"


def _ended_well_at(entry: dict[str, Any] | None, manifest: dict[str, Any] | None) -> datetime | None:
    """When a refresh last ended well: the journal says so; the build that stands began no later."""
    said = [(entry or {}).get("ended_well_at"), (manifest or {}).get("built_at")]
    moments = [datetime.fromisoformat(text.removesuffix("Z")) for text in said if isinstance(text, str)]
    return max(moments, default=None)

"""The captions of the briefing's charts: the sentence that says what a chart shows, empty where there is nothing to draw."""

from __future__ import annotations

from harmrank.reading.briefing.facts import Facts
from harmrank.reading.briefing.sentences import capitalised, people
from harmrank.reading.published_mart import Row
from harmrank.text.wording import day, days, in_unit, per_cent, plural, split


def lists(facts: Facts) -> str:
    """Returns the harm of the first and last list shown by status; empty if there is nothing to draw."""
    if not facts.lists:
        return ""
    first, last = facts.lists[0], facts.lists[-1]
    said = f"{day(last['list_date'])}: {_by_status(last)}."
    if first is not last:
        said += f" {day(first['list_date'])}: {_by_status(first)}."
    if any(row["is_window_filling"] for row in facts.lists):
        said += " The data does not cover the whole window of the first lists: they are too low to be compared."
    return said


def _by_status(row: Row) -> str:
    shares = split(row)
    if shares is None:
        return "no harm"
    return "{} % named or arrested, {} % charged, {} % convicted".format(*shares)


def churn(facts: Facts) -> str:
    """Returns how many people entered and left; empty if there is nothing to draw."""
    entered = [row["entered"] for row in facts.lists if row["entered"] is not None]
    if not facts.churn or not entered:
        return ""
    this = f"{facts.churn['entered'] or 'nobody'} new and {facts.churn['people_left'] or 'nobody'} left this time"
    few, many = min(entered), max(entered)
    if few == many:
        return capitalised(f"{this}.")
    return capitalised(
        f"{this}. Between {few:,} and {many:,} people were new on each of the {plural(len(entered), 'list')} shown."
    )


def concentration(facts: Facts) -> str:
    """Returns how few people make how much of the harm; empty if there is nothing to draw."""
    if not facts.whole["harm_days"]:
        return ""
    shares = {(row["share_of"], row["per_cent"]): row for row in facts.concentration}
    said = []
    first, most = shares.get(("offenders", 1)), shares.get(("harm", 80))
    if first:
        makes = "makes" if first["offenders"] == 1 else "make"
        said.append(
            f"the first 1 % of the people ranked, rounded up ({first['offenders']:,}), {makes} "
            f"{per_cent(first['share_of_harm'])} of the harm"
        )
    if most:
        are = "is" if most["offenders"] == 1 else "are"
        said.append(
            f"{people(most['offenders'])}, {_one_decimal(most['share_of_offenders'])} of all, {are} enough for 80 % of it"
        )
    return capitalised(f"{'; '.join(said)}.") if said else ""


def _one_decimal(share: float) -> str:
    return per_cent(share) if share in (0, 1) else f"{100 * share:.1f} %"


def months(facts: Facts) -> str:
    """Returns the harm of the newest complete month beside the same month a year earlier; empty if there is nothing to draw."""
    if not facts.months:
        return ""
    complete = [row for row in facts.months if not row["is_partial"]]
    hatched = (
        "" if len(complete) == len(facts.months) else " Hatched months are not complete: their figures are too low."
    )
    apart = "Each series has its own scale; they are never added up."
    if not complete:
        return f"No month is complete: the figures are too low. {apart}"
    last = complete[-1]
    unit = facts.build["harm_unit"]
    said = (
        f"Crimes that happened in {last['month'].year} and that the public reported in {last['month']:%B} have harm of "
        f"{in_unit(last['harm_days'], unit)}"
    )
    said += (
        f", {_one_decimal(last['detected_share'])} of it detected so far" if last["detected_share"] is not None else ""
    )
    before = last["month"].replace(year=last["month"].year - 1)
    then = next((row for row in complete if row["month"] == before), None)
    said += f". A year earlier it was {days(then['harm_days'])}." if then else "."
    return f"{said}{hatched} {apart}"


def redraws(facts: Facts) -> str:
    """Returns the share of redraws of the first and the last place; empty if there is nothing to draw."""
    places = [row for row in facts.places if row["listed_in_redraws"] is not None]
    if not places:
        return ""
    first, last = places[0], places[-1]
    said = f"Number {first['harm_rank']:,} is on the list in {per_cent(first['listed_in_redraws'])} of the redraws"
    if first is not last:
        said += f", number {last['harm_rank']:,} in {per_cent(last['listed_in_redraws'])}"
    return f"{said}. The list above shows the share of every place."

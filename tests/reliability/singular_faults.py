"""Faults written by hand for the singular tests: test, what is wrong, and the SQL that makes it so.

Each branch of a test's condition has its own fault, if possible one that no other branch catches.
Statements are separated by semicolons and must change at least one row each.
"""

from __future__ import annotations

_ONE_EVIDENCE = "rowid = (select min(rowid) from mart.offender_evidence where reported_on < list_date)"
# The harm of the first so many ranked people together.
_RUNNING = (
    "select harm_rank, sum(harm_days) over up_to as harm_days, sum(harm_days_named) over up_to as named,"
    " sum(harm_days_charged) over up_to as charged, sum(harm_days_convicted) over up_to as convicted,"
    " count(*) over () as offenders, sum(harm_days) over () as in_all"
    " from mart.offender_harm window up_to as (order by harm_rank)"
)
_SPLITS = {"named": "harm_days_named", "charged": "harm_days_charged", "convicted": "harm_days_convicted"}


def _place(change: str) -> str:
    """Returns SQL that changes the first place of the list."""
    return f"update mart.top_100 set {change} where harm_rank = 1"


def _ranked(change: str) -> str:
    """Returns SQL that changes the first rank of offender_harm."""
    return f"update mart.offender_harm set {change} where harm_rank = 1"


def _evidence(change: str) -> str:
    """Returns SQL that changes one allegation of offender_evidence."""
    return f"update mart.offender_evidence set {change} where {_ONE_EVIDENCE}"


def _ledger(change: str) -> str:
    """Returns SQL that changes one line of the reconciliation."""
    return (
        f"update mart.extract_reconciliation set {change} where rowid = (select min(rowid) from"
        " mart.extract_reconciliation where rows_superseded > 0 and rows_quarantined = 0)"
    )


def _counted_of_one_evidence(change: str) -> str:
    """Returns SQL that changes the counted allegation behind one row of the evidence."""
    return (
        f"update intermediate.int_counted_allegations set {change} where is_current and (offender_key, force, crime_ref) = "
        f"(select (offender_key, force, crime_ref) from mart.offender_evidence where {_ONE_EVIDENCE})"
    )


def _offenders_more(number: int, answers: str) -> str:
    """Returns SQL that makes some rows of the concentration count more offenders, with the right harm for them."""
    return (
        "update mart.harm_concentration as answers set offenders = other.harm_rank, harm_days = other.harm_days,"
        " harm_days_named = other.named, harm_days_charged = other.charged, harm_days_convicted = other.convicted,"
        " share_of_offenders = other.harm_rank / other.offenders, share_of_harm = other.harm_days / other.in_all"
        f" from ({_RUNNING}) as other where other.harm_rank = answers.offenders + {number} and {answers}"
    )


def _months(change: str) -> str:
    """Returns SQL that changes one month and area of the series."""
    return (
        f"update mart.crime_harm_monthly set {change} where rowid = (select min(rowid) from mart.crime_harm_monthly"
        " where harm_days > 10 and detected_harm_days > 0)"
    )


def _redrawn(change: str) -> str:
    """Returns SQL that changes the redraws of the first place."""
    return f"update mart.rank_uncertainty set {change} where harm_rank = 1"


def _boundary(change: str) -> str:
    """Returns SQL that changes the last place of the list in the boundary."""
    return f"update mart.rank_boundary set {change} where harm_rank = 100"


_ONE_MOVEMENT = "rowid = (select min(rowid) from mart.list_movements where movement = '{}')"


def _movement(change: str, movement: str = "stayed") -> str:
    """Returns SQL that changes one movement."""
    return f"update mart.list_movements set {change} where {_ONE_MOVEMENT.format(movement)}"


def _churn(change: str) -> str:
    """Returns SQL that changes the churn of the newest list."""
    return f"update mart.list_churn set {change} where list_date = (select max(list_date) from mart.list_churn)"


def _compared(who: str, change: str | None) -> str:
    """Returns SQL that changes a person in the published method's ranking of the comparison, or removes the person."""
    where = f"where ranking_key = 'v100' and {who}"
    table = "intermediate.int_method_ranks"
    return f"update {table} set {change} {where}" if change else f"delete from {table} {where}"


SINGULAR_FAULTS: dict[str, dict[str, str]] = {
    "evidence_adds_up": {
        "a place without any evidence": "delete from mart.top_100_evidence where harm_rank = 1",
        "half a day more than the evidence": _place(
            "harm_days = harm_days + 0.5, harm_days_named = harm_days_named + 0.5"
        ),
        "an allegation more than the evidence": _place("allegations = allegations + 1"),
        "an unweighted allegation that is none": _place("unweighted_allegations = unweighted_allegations + 1"),
    },
    "harm_by_status_adds_up": {
        **{
            f"other harm of the {split} in {table}": (
                f"update mart.{table} set {column} = {column} + 0.5 where rowid = (select min(rowid) from mart.{table})"
            )
            for table in ("top_100", "offender_harm", "list_history", "harm_concentration")
            for split, column in _SPLITS.items()
        },
        **{
            f"{what} in {table}": (
                f"update mart.{table} set {change} where rowid = (select min(rowid) from mart.{table}"
                " where harm_days_named > 0)"
            )
            for table in ("top_100", "offender_harm", "list_history")
            for what, change in {
                "more closed than named": (
                    "harm_days_closed_without_charge = harm_days_named + 0.5,"
                    " share_closed_without_charge = (harm_days_named + 0.5) / harm_days"
                ),
                "less than nothing closed": (
                    "harm_days_closed_without_charge = -0.5, share_closed_without_charge = -0.5 / harm_days"
                ),
                "another share of it": "share_closed_without_charge = share_closed_without_charge + 0.01",
                "no share of it": "share_closed_without_charge = null",
            }.items()
        },
    },
    "concentration_agrees_with_offender_harm": {
        "a share without an answer": "delete from mart.harm_concentration where share_of = 'harm' and per_cent = 80",
        "an answer that nobody asked for": (
            "insert into mart.harm_concentration select * replace (3 as per_cent) from mart.harm_concentration"
            " where share_of = 'offenders' and per_cent = 2"
        ),
        "a share of offenders that is rounded down": _offenders_more(-1, "share_of = 'offenders' and per_cent = 20"),
        "one offender too few for the harm": _offenders_more(-1, "share_of = 'harm'"),
        "one offender too many for the harm": _offenders_more(1, "share_of = 'harm'"),
        **{
            f"another {column}": f"update mart.harm_concentration set {column} = {column} + 0.5 where per_cent = 20"
            for column in ("harm_days", *_SPLITS.values(), "share_of_offenders", "share_of_harm")
        },
    },
    "evidence_is_in_the_window": {
        "a report after the list date": _evidence("reported_on = list_date + 1"),
        "an allegation that no longer counts": _evidence("counts_until = list_date - 1"),
        "evidence for another list date": _evidence("list_date = list_date - 1"),
    },
    "history_agrees_with_the_list": {
        "another person in the place": (
            "update mart.list_history set offender_key = 'nobody' where harm_rank = 1 and list_date = '2026-10-31'"
        ),
        "other harm in the place": (
            "update mart.list_history set harm_days = harm_days + 0.5 where harm_rank = 1 and list_date = '2026-10-31'"
        ),
        "other counts in the place": (
            "update mart.list_history set female_victims = 99 where harm_rank = 1 and list_date = '2026-10-31'"
        ),
        "another part of it closed": (
            "update mart.list_history set harm_days_closed_without_charge = harm_days_closed_without_charge + 0.5"
            " where harm_rank = 1 and list_date = '2026-10-31'"
        ),
        "no history of the list date": "delete from mart.list_history where list_date = '2026-10-31'",
        "a place of the list date missing": "delete from mart.top_100 where harm_rank = 100",
    },
    "list_is_full": {"99 places": "delete from mart.top_100 where harm_rank = 100"},
    "lists_are_no_longer_than_asked": {
        "a place beyond the last": (
            "insert into mart.list_history select * replace (harm_rank + 1 as harm_rank, 'nobody' as offender_key)"
            " from mart.list_history where harm_rank = 100 and list_date = '2026-09-30';"
            "update intermediate.int_ranked_offenders set is_listed = true"
            " where list_date = '2026-09-30' and harm_rank = 101"
        ),
        "a gap in the ranks": (
            "update mart.list_history set harm_rank = 36 where list_date = '2026-05-31' and harm_rank = 35"
        ),
        "the last place of a month missing": (
            "delete from mart.list_history where list_date = '2026-05-31' and harm_rank = 35"
        ),
        "a month missing": "delete from mart.list_history where list_date = '2026-05-31'",
    },
    "merges_end": {
        "a merged record that is a person of its own": (
            "delete from intermediate.int_identities where person_ref = (select min(person_ref) from"
            " intermediate.int_identities)"
        )
    },
    "methods_use_known_words": {
        f"{words} {what}": f"update reference.ranking_methods set {words} = {value} where is_default"
        for words in ("offender_sexes", "victim_sexes", "vawg_scopes", "statuses", "reported_by")
        for what, value in {"with a foreign word": f"{words} || ' elephant'", "blank": "' '"}.items()
    },
    "one_method_is_the_default": {
        "no default": "update reference.ranking_methods set is_default = false",
        "two defaults": "update reference.ranking_methods set is_default = true where method = 'v100_count'",
    },
    "cleared_rows_were_in_quarantine": {
        "more cleared than went in": _ledger("rows_quarantine_cleared = rows_quarantined + 1"),
        "fewer than none cleared": _ledger("rows_quarantine_cleared = -1"),
    },
    "rows_are_conserved": {
        "a row read and neither landed nor quarantined": _ledger("rows_read = rows_read + 1"),
        "a row landed and nowhere now": _ledger("rows_current = rows_current - 1"),
        "fewer than no rows superseded": _ledger(
            "rows_current = rows_current + rows_superseded + 1, rows_superseded = -1"
        ),
        "fewer than no rows current": _ledger(
            "rows_superseded = rows_superseded + rows_current + 1, rows_current = -1"
        ),
        "fewer than no rows deleted": _ledger(
            "rows_superseded = rows_superseded + rows_deleted + 1, rows_deleted = -1"
        ),
        "fewer than no rows quarantined": _ledger("rows_read = rows_read - 1, rows_quarantined = -1"),
        "fewer than no rows landed": _ledger(
            "rows_read = 0, rows_landed = -1, rows_quarantined = 1, rows_current = -1, rows_superseded = 0,"
            " rows_deleted = 0"
        ),
    },
    "rules_are_one_row": {
        "no method": "delete from intermediate.int_rules",
        "two methods": "insert into intermediate.int_rules select * from intermediate.int_rules",
    },
    "seed_codes_are_in_their_one_form": {
        "a Home Office code without its zeros": (
            "update reference.offences set offence_code = '19/8' where offence_code = '019/08'"
        ),
        "a recorded-crime code with a slash": (
            "update reference.offences set offence_code = '8/1' where offence_code = '19C'"
        ),
        "a recorded-crime code in small letters": (
            "update reference.offences set offence_code = '19c' where offence_code = '19C'"
        ),
        "a blank beside a recorded-crime code": (
            "update reference.offences set offence_code = '19C ' where offence_code = '19C'"
        ),
        "a code that covers none": "update reference.offences set offence_code = 'NN' where offence_code = '19C'",
        "a code of no crime": ("update reference.offences set offence_code = 'ASB' where offence_code = '19C'"),
        "a link from a code in another form": (
            "update reference.recorded_crime_links set offence_code = '19/8' where offence_code = '019/08'"
        ),
        "a link to a code in another form": (
            "update reference.recorded_crime_links set recorded_crime_code = '19c' where recorded_crime_code = '19C'"
        ),
        "a weight of a Home Office code in another form": (
            "update reference.harm_weights set offence_code = '01908' where offence_code = '019/08'"
        ),
        "a weight of a recorded-crime code in another form": (
            "update reference.harm_weights set recorded_crime_code = '19c' where recorded_crime_code = '19C'"
        ),
    },
    "seed_every_index_has_weights": {
        "an index without weights": (
            "update reference.harm_indices set flat_harm_days = null where harm_index = 'crime_count'"
        ),
        "an index with weights and one for all": (
            "update reference.harm_indices set flat_harm_days = 1 where harm_index = 'cchi_2020'"
        ),
    },
    "seed_harm_weights_are_usable": {
        "a weight without a source": "update reference.harm_weights set source = ' ' where offence_code = '008/77'",
        "a highest value below the lowest": (
            "update reference.harm_weights set harm_days_highest = harm_days - 0.5 where offence_code = '008/77'"
        ),
        "a weight of no code": (
            "update reference.harm_weights set offence_code = null, recorded_crime_code = null"
            " where offence_code = '008/77'"
        ),
    },
    "list_agrees_with_offender_harm": {
        "somebody listed is missing from offender_harm": "delete from mart.offender_harm where harm_rank = 100",
        "somebody listed is missing from the list": "delete from mart.top_100 where harm_rank = 100",
        **{
            f"{column} differs": _place(f"{column} = {value}")
            for column, value in {
                "list_date": "list_date - 1",
                "offender_key": "'nobody'",
                "harm_rank": "101",
                "harm_days": "harm_days + 0.5",
                "harm_days_named": "harm_days_named + 0.5",
                "harm_days_charged": "harm_days_charged + 0.5",
                "harm_days_convicted": "harm_days_convicted + 0.5",
                "harm_days_closed_without_charge": "harm_days_closed_without_charge + 0.5",
                "allegations": "allegations + 1",
                "unweighted_allegations": "unweighted_allegations + 1",
                "female_victims": "female_victims + 1",
                "first_reported_on": "first_reported_on - 1",
                "latest_reported_on": "latest_reported_on + 1",
                "is_tied": "not is_tied",
                "is_in_custody": "not is_in_custody",
            }.items()
        },
    },
    "ranks_follow_the_order": {
        "two people in each other's place": (
            "update mart.offender_harm set harm_rank = 3 - harm_rank where harm_rank in (1, 2)"
        ),
        "a gap in the ranks": ("update mart.offender_harm set harm_rank = harm_rank + 1 where harm_rank > 150"),
        "a tie that is none": _ranked("is_tied = not is_tied"),
        "somebody listed who is not": "update mart.offender_harm set is_listed = true where harm_rank = 101",
        "somebody not listed who is": "update mart.offender_harm set is_listed = false where harm_rank = 100",
    },
    "months_fall_by_harm": {
        "less harm in the first place": (
            "update mart.list_history set harm_days = 0 where harm_rank = 1 and list_date = '2026-09-30'"
        )
    },
    "everyones_evidence_adds_up": {
        "somebody without any evidence": "delete from mart.offender_evidence where harm_rank = 150",
        "one allegation less": f"delete from mart.offender_evidence where {_ONE_EVIDENCE}",
        "evidence with a lower rank": _evidence("harm_rank = harm_rank - 1"),
        "evidence with a higher rank": _evidence("harm_rank = harm_rank + 1"),
        "other harm": _ranked("harm_days = harm_days + 0.5"),
        **{f"other harm of the {split}": _ranked(f"{column} = {column} + 0.5") for split, column in _SPLITS.items()},
        "another part of it closed": _ranked("harm_days_closed_without_charge = harm_days_closed_without_charge + 0.5"),
        "another number of allegations": _ranked("allegations = allegations + 1"),
        "another number of unweighted allegations": _ranked("unweighted_allegations = unweighted_allegations + 1"),
        "no woman": _ranked("female_victims = 0"),
        "more women than all crimes have": _ranked("female_victims = 99"),
        "another first report": _ranked("first_reported_on = first_reported_on - 1"),
        "another latest report": _ranked("latest_reported_on = latest_reported_on + 1"),
    },
    "list_evidence_is_the_evidence": {
        "an allegation missing": "delete from mart.top_100_evidence where harm_rank = 1",
        "an allegation too many": (
            "delete from mart.offender_evidence where rowid = (select min(rowid) from mart.offender_evidence"
            " where harm_rank = 1)"
        ),
        "another offence": "update mart.top_100_evidence set offence = 'Theft' where harm_rank = 1",
        "a decisive allegation that is none": (
            "update mart.top_100_evidence set is_decisive = not is_decisive where harm_rank = 1"
        ),
    },
    "evidence_is_what_counts": {
        "no such crime": _evidence("crime_ref = 'none'"),
        "an allegation that does not count": _counted_of_one_evidence("crime_ref = 'none'"),
        "one that counts on another list alone": _counted_of_one_evidence("is_current = false"),
        "another date": _evidence("reported_on = reported_on - 1"),
        "another code": _evidence("offence_code = '049/10'"),
        "another weight": _evidence("harm_days = harm_days + 0.5"),
        "no weight": _evidence("harm_days = null"),
        "another status": _evidence("status = 'eliminated'"),
        "another outcome": _evidence("outcome_type = coalesce(outcome_type, 0) + 1"),
        "closed where it is not": _evidence("is_closed_without_charge = not is_closed_without_charge"),
        "another reporter": _evidence("reported_by = 'police'"),
        "historic where it is not": _evidence("is_historic = not is_historic"),
        "a victim too many": _evidence("female_victims = female_victims + 1"),
    },
    "places_remember_the_history": {
        "another rank before": _place("previous_rank = coalesce(previous_rank, 0) + 1"),
        "a rank before of somebody who had none": (
            "update mart.top_100 set previous_rank = 100 where harm_rank = (select min(harm_rank) from mart.top_100"
            " where previous_rank is null)"
        ),
        "a rank before forgotten": (
            "update mart.top_100 set previous_rank = null where harm_rank = (select min(harm_rank) from mart.top_100"
            " where previous_rank is not null)"
        ),
        "a month too many": _place("months_on_list = months_on_list + 1"),
        "no month at all": "update mart.top_100 set months_on_list = 0 where months_on_list = 1",
    },
    "details_of_the_list_agree": {
        "another most serious offence": _place("most_serious_offence = 'Theft'"),
        "another most serious code": _place("most_serious_offence_code = '049/10'"),
        "an unclassified allegation too many": _place("unclassified_allegations = unclassified_allegations + 1"),
        "somebody in custody who is free": _place("is_in_custody = not is_in_custody"),
        "another distance to the line": _place("harm_days_above_line = harm_days_above_line + 0.5"),
        "no distance to the line": _place("harm_days_above_line = null"),
    },
    "movements_are_the_lists": {
        "somebody entered who stayed": _movement("movement = 'entered'"),
        "somebody left who stayed": _movement("movement = 'left'"),
        "somebody stayed who entered": _movement("movement = 'stayed'", "entered"),
        "nobody moves": "delete from mart.list_movements",
        "one movement missing": f"delete from mart.list_movements where {_ONE_MOVEMENT.format('left')}",
        "a person moves who is on neither list": (
            "insert into mart.list_movements select * replace ('nobody' as offender_key) from mart.list_movements"
            f" where {_ONE_MOVEMENT.format('left')}"
        ),
        "a month too many": _movement("months_on_list = months_on_list + 1"),
        "another rank": _movement("harm_rank = harm_rank + 1, places_moved = places_moved - 1"),
        "another rank before": _movement("harm_rank_before = harm_rank_before + 1, places_moved = places_moved + 1"),
        "other harm": _movement("harm_days = harm_days + 0.5, harm_days_reported = harm_days_reported + 0.5"),
        "other harm before": _movement("harm_days_before = harm_days_before + 0.5"),
        "another number of allegations": _movement("allegations = allegations + 1"),
        "another number of allegations before": _movement("allegations_before = allegations_before + 1"),
        "moved the other way": _movement("places_moved = places_moved + 1"),
    },
    "movements_are_explained": {
        "an allegation from nowhere": _movement("allegations_reported = allegations_reported + 1"),
        "harm from nowhere": _movement("harm_days_passed = harm_days_passed + 0.5"),
        "entered for a reason to leave": _movement("reason = 'died'", "entered"),
        "left for a reason to enter": _movement("reason = 'released'", "left"),
        "stayed for a reason to leave": _movement("reason = 'overtaken'"),
        "no reason that is known": _movement("reason = 'other'", "left"),
    },
    "churn_is_of_the_lists": {
        "a list date missing": "delete from mart.list_churn where list_date = (select max(list_date) from mart.list_churn)",
        "a list date too many": (
            "insert into mart.list_churn select * replace (list_date + 400 as list_date) from mart.list_churn limit 1"
        ),
        "a place too many": _churn("places = places + 1, entered = entered + 1"),
        "a place too many before": _churn("places_before = places_before + 1, people_left = people_left + 1"),
        "half a day more than its places": _churn("harm_days = harm_days + 0.5"),
        "half a day more than the places before": _churn("harm_days_before = harm_days_before + 0.5"),
        "somebody entered twice": _churn("entered = entered + 1"),
        "lists that are more than the same": _churn("jaccard = 1.5"),
        "more left than were there": _churn("churn = 1.5"),
        "more for the first time than new": _churn("share_first_time = share_new + 0.01"),
        "more new than are there": _churn("share_new = 1.5"),
        "a share below zero": _churn("share_with_one_allegation = -0.5"),
    },
    "corrections_are_of_the_lists": {
        "another rank": "update mart.list_corrections set harm_rank = harm_rank + 1 where correction = 'added'",
        "other harm": "update mart.list_corrections set harm_days = harm_days + 0.5 where correction = 'added'",
        "added who was removed": "update mart.list_corrections set correction = 'added' where correction = 'removed'",
        "removed who was added": "update mart.list_corrections set correction = 'removed' where correction = 'added'",
        "removed who was never published": (
            "update mart.list_corrections set published_harm_rank = null where correction = 'removed'"
        ),
    },
    "only_people_on_the_lists_are_named": {
        "a victim is named": (
            "insert into mart.offender_people select min(person_key), 'f', 'v', null, null, null, null, null, null, true"
            " from intermediate.int_crime_victims"
            " where person_key not in (select offender_key from mart.offender_people)"
        ),
        "somebody ranked is not named": (
            "delete from mart.offender_people where offender_key = (select offender_key from mart.offender_harm"
            " where harm_rank = 150)"
        ),
        "somebody once listed is not named": (
            "delete from mart.offender_harm where harm_rank = 1;"
            "delete from mart.offender_people where offender_key = (select max(offender_key) from mart.list_history"
            " where offender_key not in (select offender_key from mart.offender_harm))"
        ),
        "no surviving record": "update mart.offender_people set is_surviving_record = false where force = 'metropolis'",
        "two surviving records": (
            "insert into mart.offender_people select offender_key, force, 'other', null, null, null, null, null, null,"
            " true from mart.offender_people where offender_key = (select min(offender_key) from mart.offender_people)"
        ),
    },
    "monthly_series_hold_every_crime": {
        "a month and area missing": (
            "delete from mart.crime_harm_monthly where rowid = (select min(rowid) from mart.crime_harm_monthly)"
        ),
        "an area that has no crime": (
            "insert into mart.crime_harm_monthly select * replace ('nowhere' as area_code)"
            " from mart.crime_harm_monthly where rowid = (select min(rowid) from mart.crime_harm_monthly)"
        ),
        "a crime more": _months("crimes = crimes + 1"),
        "an unweighted crime more": _months("unweighted_crimes = unweighted_crimes + 1"),
        **{
            f"other {series}": _months(f"{series} = {series} + 0.5")
            for series in ("harm_days", "historic_harm_days", "proactive_harm_days", "company_harm_days")
        },
        "another share detected": _months("detected_share = detected_share / 2"),
        "no share detected": _months("detected_share = null"),
        "more detected than happened": _months(
            "detected_harm_days = 1 + harm_days + historic_harm_days + proactive_harm_days + company_harm_days"
        ),
        "more detected than the series has": (
            "update mart.crime_harm_monthly set proactive_harm_days = proactive_harm_days + harm_days, harm_days = 0"
            " where detected_harm_days > 0"
        ),
        "more detected than the outcomes say": (
            "update mart.crime_harm_monthly set detected_harm_days = harm_days where harm_days > detected_harm_days"
        ),
    },
    "quarantined_rows_are_shown": {
        "a defect that hides quarantined rows": "delete from mart.data_defects where column_name = '(row)'",
        "a quarantined row that is not shown": (
            "update mart.data_defects set rows_affected = rows_affected + 1 where column_name = '(row)'"
        ),
        "rows shown of an extract that has none": (
            "update mart.extract_reconciliation set rows_quarantined = 0, rows_read = rows_landed"
            " where rows_quarantined > 0"
        ),
    },
    "redraws_agree_with_the_list": {
        "somebody listed was not redrawn": "delete from mart.rank_uncertainty where harm_rank = 100",
        "somebody redrawn is not ranked": _redrawn("offender_key = 'nobody'"),
        "another date": _redrawn("list_date = list_date - 1"),
        "another place": _redrawn("harm_rank = 2"),
        "a listed person who is not": _redrawn("is_listed = false"),
        "more than all redraws": _redrawn("listed_in_redraws = 1.01"),
        "a share below zero": "update mart.rank_uncertainty set listed_in_redraws = -0.01 where redrawn_rank_low > 100",
        "a place before the first": _redrawn("redrawn_rank_low = 0"),
        "a low place behind the high one": _redrawn("redrawn_rank_low = redrawn_rank_high + 1"),
        "a high place on the list with few redraws": _redrawn("listed_in_redraws = 0.94, redrawn_rank_high = 100"),
        "a low place off the list with many redraws": (
            "update mart.rank_uncertainty set listed_in_redraws = 0.05 where redrawn_rank_low > 100"
        ),
        "more than all harm in one allegation": _redrawn("largest_allegation_share = 1.01"),
        "no share of the harm": _redrawn("largest_allegation_share = null"),
        "a place to keep below the cut-off": (
            "update mart.rank_uncertainty set is_listed_without_largest = true where harm_rank = 101"
        ),
    },
    "boundary_has_no_gaps": {
        "the last place listed is missing": "delete from mart.rank_boundary where harm_rank = 100",
        "the first place shown is missing": "delete from mart.rank_boundary where harm_rank = 90",
        "nothing is shown": "delete from mart.rank_boundary",
        "another person": _boundary("offender_key = 'nobody'"),
        "another date": _boundary("list_date = list_date - 1"),
        "a listed person who is not": _boundary("is_listed = false"),
        "other harm": _boundary("harm_days = harm_days + 0.5"),
        "another number of victims": _boundary("female_victims = female_victims + 1"),
        "another number of allegations": _boundary("allegations = allegations + 1"),
        "another report": _boundary("latest_reported_on = latest_reported_on - 1"),
        "separated by the key where there is no tie": (
            "update mart.rank_boundary set separated_by = 'offender_key' where harm_rank in "
            "(select harm_rank from mart.offender_harm where not is_tied)"
        ),
        "tied across the cut-off without a tie": (
            "update mart.rank_boundary set is_tied_across_line = true where harm_rank in "
            "(select harm_rank from mart.offender_harm where not is_tied)"
        ),
    },
    "points_have_weights": {
        "weights that are 90 together": "update reference.ranking_methods set gravity_percent = 15 where scoring = 'points'",
        "points without a weight": "update reference.ranking_methods set gravity_percent = null where scoring = 'points'",
        "a weight that does nothing": "update reference.ranking_methods set victims_percent = 25 where is_default",
    },
    "an_illustrative_method_is_not_published": {
        "the default only illustrates": "update reference.ranking_methods set is_illustrative = true where is_default"
    },
    "the_published_ranking_is_one_of_the_compared": {
        "nobody on the first place": _compared("method_rank = 1", None),
        "another place": _compared("method_rank = 1", "method_rank = 9999"),
        "more harm": _compared("method_rank = 1", "harm_days = harm_days + 0.5"),
        "another line": _compared("method_rank = 1", "is_listed = not is_listed"),
        "another tie": _compared("method_rank = 1", "is_tied = not is_tied"),
        "an allegation more": _compared("method_rank = 1", "allegations = allegations + 1"),
        "an unweighted one more": _compared("method_rank = 1", "unweighted_allegations = unweighted_allegations + 1"),
        "a woman more": _compared("method_rank = 1", "female_victims = female_victims + 1"),
        "another report": _compared("method_rank = 1", "latest_reported_on = latest_reported_on - 1"),
    },
    "compared_lists_agree": {
        "a place too few": "update mart.method_comparison set listed_offenders = listed_offenders - 1 where is_published",
        "one on both lists too many": "update mart.method_comparison set on_both_lists = on_both_lists + 1",
        "a list with a place less": "delete from mart.method_lists where method_rank = 1",
        "one too many would enter": "update mart.rule_effect set would_enter = would_enter + 1",
        "one too many would leave": "update mart.rule_effect set would_leave = would_leave + 1",
        "the published list is not all of itself": (
            "update mart.method_comparison set only_on_published_list = 1 where is_published"
        ),
        "it has more than itself": "update mart.method_comparison set only_on_this_list = 1 where is_published",
    },
    "every_table_is_of_this_build": {
        "nothing says what was built": "delete from mart.build_info",
        "two rows say what was built": (
            "update mart.build_info set build_id = 'one';"
            "insert into mart.build_info select * replace ('other' as build_id) from mart.build_info"
        ),
        **{
            f"{table} is for another date": f"update mart.{table} set list_date = list_date - 1"
            for table in (
                "build_info",
                "top_100",
                "top_100_evidence",
                "offender_harm",
                "offender_evidence",
                "unclassified_allegations",
                "harm_concentration",
                "rank_uncertainty",
                "rank_boundary",
                "method_comparison",
                "method_lists",
                "rule_effect",
                "rule_effect_people",
            )
        },
    },
}

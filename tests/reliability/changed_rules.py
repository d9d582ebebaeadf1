"""Every rule of the method, changed: file, the text that says the rule, what it is changed to, and what that means.

The text must stand in its file exactly once, so that a change of the code asks for a change here. A condition that
cannot be told from its opposite by any data has no row: `minimum_female_victims` of nought is one for `v100`, whose
allegations all have a woman among the victims.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One rule changed: `old` becomes `new` in `file`, which `means` something else in plain words."""

    file: str
    old: str
    new: str
    means: str


_INTERMEDIATE = "models/intermediate"

_RULES: dict[str, list[tuple[str, str, str]]] = {
    f"{_INTERMEDIATE}/int_counted_allegations.sql": [
        ("reported_on <= list_dates", "reported_on < list_dates", "a report on the list date is out"),
        ("reported_on > list_dates", "reported_on >= list_dates", "the window has a day more at its start"),
        ("cancelled_on > in_window", "cancelled_on >= in_window", "a crime cancelled on the list date counts"),
        (
            "(in_window.cancelled_on is null or in_window.cancelled_on > in_window.list_date)",
            "true",
            "cancelled crimes count",
        ),
        (
            "(in_window.cancelled_on is null or in_window.cancelled_on > in_window.list_date)",
            "in_window.cancelled_on is null",
            "a crime cancelled after the list date is out",
        ),
        ("highest_possible_age >= rules", "highest_possible_age > rules", "eighteen is too young"),
        ("in_window.highest_possible_age is null or ", "", "an unknown age is too young"),
        (
            "(in_window.highest_possible_age is null or in_window.highest_possible_age >= rules.minimum_age)",
            "true",
            "children count",
        ),
        (
            "- allegations.birth_year",
            "- allegations.birth_year - 1",
            "a birth year alone makes a person a year younger",
        ),
        (
            "allegations.date_of_birth is not null",
            "allegations.birth_year is null",
            "the birth year goes before the date of birth",
        ),
        ("deceased_on > in_window", "deceased_on >= in_window", "somebody who died on the list date counts"),
        ("rules.deceased = 'include'", "true", "the dead count"),
        ("rules.deceased = 'include'", "false", "no method can keep the dead"),
        ("or in_window.deceased_on is null", "", "the living do not count"),
        ("rules.custody = 'include' or ", "", "people in custody are left out"),
        ("(rules.custody = 'include' or in_custody.person_key is null)", "true", "no method can leave out custody"),
        (
            "in_window.list_date = in_custody.list_date",
            "in_custody.list_date is not null",
            "custody on any list date is custody on this one",
        ),
        (
            "in_custody.person_key is not null as",
            "in_custody.person_key is null as",
            "custody is shown the wrong way round",
        ),
    ],
    f"{_INTERMEDIATE}/int_list_dates.sql": [
        ("'-rules.window_days'", "'1 - rules.window_days'", "a window of 364 days"),
        ("'-rules.window_days'", "'-1 - rules.window_days'", "a window of 366 days"),
        (
            "<= covered.last_covered_on",
            "< covered.last_covered_on",
            "no monthly list for a month-end that is the list date",
        ),
        ("list_date = rules.list_date as", "list_date <= rules.list_date as", "earlier lists pass for the current one"),
        ("rules.list_date < rules.newest_extract_on", "false", "monthly lists for months after the list date"),
        ("rules.list_date < rules.newest_extract_on", "true", "monthly lists for months that have not landed"),
        ("eligible.reported_on >=", "eligible.reported_on >", "a report of exactly 120 years ago starts no list"),
        ("    select list_date from rules\n", "    select list_date from month_ends\n", "no list inside a month"),
        ("month_ends.list_date is not null as", "true as", "a list inside a month is a monthly one"),
    ],
    f"{_INTERMEDIATE}/int_eligible_allegations.sql": [
        ("allegations.is_in_scope", "true", "offences of every scope count"),
        ("allegations.has_counted_victim", "true", "crimes without a woman among the victims count"),
        ("allegations.is_counted_reporter", "true", "police and company reports count"),
        ("allegations.is_counted_status", "true", "cleared suspects count"),
        ("allegations.is_counted_sex", "true", "offenders of every sex count"),
        ("rules.historic_reports = 'include' or ", "", "historic reports are left out"),
        (" or not allegations.is_historic", " or true", "no method can leave out historic reports"),
        ("rules.window_days - 1", "rules.window_days", "an allegation is said to count a day longer"),
    ],
    f"{_INTERMEDIATE}/int_weighted_allegations.sql": [
        (
            "{{ is_listed('victims.sex', 'rules.victim_sexes') }}",
            "victims.sex is not null",
            "victims of every sex make a crime count",
        ),
        ("sum(case when victims.is_female then 1 else 0 end)", "count(*)", "men are counted as female victims"),
        ("'rules.offender_sexes') }}, false)", "'rules.offender_sexes') }}, true)", "an unknown sex counts as a man's"),
        ("{{ is_listed('offenders.sex', 'rules.offender_sexes') }}", "offenders.sex is not null", "women are ranked"),
        ("> rules.historic_after_days", ">= rules.historic_after_days", "365 days are historic"),
        ("rules.historic_after_days, false", "rules.historic_after_days, true", "an unknown date is historic"),
        ("'crimes.last_committed_on'", "'crimes.committed_from'", "a crime is dated by its first day"),
        ("counted_victims.crime_ref is not null as", "true as", "a crime without a victim has one"),
        ("{{ is_listed('crimes.reported_by', 'rules.reported_by') }}", "true", "every reporter counts"),
        ("{{ is_listed('allegations.status', 'rules.statuses') }}", "true", "every status counts"),
        (
            "crimes.has_outcome_without_charge and allegations.harm_split = 'named'",
            "crimes.has_outcome_without_charge",
            "the charged and convicted are closed without a charge",
        ),
        (
            "allegations.harm_split = 'named' as",
            "allegations.status = 'named' as",
            "the arrested are not closed without a charge",
        ),
        ("crimes.has_outcome_without_charge and ", "", "whoever is not charged is closed"),
        ("inner join crimes", "left join crimes", "an allegation without its crime is weighed"),
        (
            "allegations.force = crimes.force",
            "crimes.force is not null",
            "a reference of one force finds the crime of another",
        ),
        (
            "allegations.force = counted_victims.force",
            "counted_victims.force is not null",
            "a crime of one force has the victims of another's",
        ),
    ],
    f"{_INTERMEDIATE}/int_weighted_crimes.sql": [
        ("'rules.vawg_scopes') }}, false)", "'rules.vawg_scopes') }}, true)", "an unknown code is in scope"),
        (
            "{{ is_listed('offences.vawg_scope', 'rules.vawg_scopes') }}",
            "offences.vawg_scope is not null",
            "every offence is in scope",
        ),
        ("else weights.harm_days", "else coalesce(weights.harm_days, 0)", "a missing weight is nought"),
        ("weight_choice = 'highest' then", "weight_choice = 'lowest' then", "the highest of several values counts"),
        (
            "when rules.weight_choice = 'highest' then weights.harm_days_highest",
            "",
            "no method can take the highest value",
        ),
        ("when rules.flat_harm_days is not null then rules.flat_harm_days", "", "the count weighs nothing"),
        ("rules.flat_harm_days is null and ", "", "a count can be ambiguous"),
        ("coalesce(weights.is_ambiguous, false)", "false", "no weight is shown as ambiguous"),
        ("rules.harm_index = weights.harm_index", "weights.harm_index is not null", "weights of other indices count"),
        (
            "coalesce(crimes.reported_by, 'victim')",
            "coalesce(crimes.reported_by, 'police')",
            "a blank reporter is police",
        ),
        (
            "coalesce(crimes.committed_to, crimes.committed_from)",
            "coalesce(crimes.committed_from, crimes.committed_to)",
            "a crime is over on its first day",
        ),
        ("coalesce(outcomes.is_detected, false)", "coalesce(outcomes.is_detected, true)", "no outcome is a detection"),
        (
            "coalesce(outcomes.is_closed_without_charge, false)",
            "coalesce(outcomes.is_closed_without_charge, true)",
            "a case without an outcome is closed without a charge",
        ),
        ("outcomes.is_closed_without_charge", "not outcomes.is_detected", "whatever is not detected is closed"),
        ("offences.offence_code is not null as", "true as", "every code is known"),
    ],
    f"{_INTERMEDIATE}/int_harm_weights.sql": [
        (
            "order by harm_days, harm_days_highest",
            "order by harm_days desc, harm_days_highest",
            "the highest value weighs",
        ),
        ("max(harm_days_highest)", "min(harm_days_highest)", "the highest value is not the highest"),
        ("lowest_first.harm_days <> highest.harm_days_highest", "false", "no code is ambiguous"),
        (
            "    select * from recorded_crime_weights\n",
            "    select * from recorded_crime_weights where false\n",
            "recorded-crime codes weigh nothing",
        ),
        (
            "    select * from linked_weights\n",
            "    select * from linked_weights where false\n",
            "an index by recorded-crime code weighs no Home Office code",
        ),
        (
            "where published_weights.offence_code is null",
            "where true",
            "an index by Home Office code weighs other codes by way of the recorded-crime code",
        ),
        ("partition by harm_index, offence_code", "partition by offence_code", "the lowest of all indices weighs"),
    ],
    f"{_INTERMEDIATE}/int_published_weights.sql": [
        (
            "where overriding_weights.harm_index is null",
            "where true",
            "a supplement does not replace the figure it mends",
        ),
        (
            "own_weights.offence_code = overriding_weights.offence_code",
            "overriding_weights.offence_code is not null",
            "a supplement of one code hides all others",
        ),
        (
            "    select * from inherited_weights\n",
            "    select * from inherited_weights where false\n",
            "nothing is inherited",
        ),
    ],
    f"{_INTERMEDIATE}/int_allegations.sql": [
        ("max(standing)", "min(standing)", "an elimination clears the person's other link, too"),
        ("role = 'suspect'", "role in ('suspect', 'victim')", "victims are accused"),
        ("role = 'suspect'", "role in ('suspect', 'witness')", "witnesses are accused"),
        ("or (involvements.status is null and statuses.is_default)", "", "a suspect without a status is dropped"),
        (
            "involvements.force = identities.force",
            "identities.force is not null",
            "a reference of one force finds the person of another",
        ),
    ],
    f"{_INTERMEDIATE}/int_crime_victims.sql": [
        ("persons.sex = 'F', false", "persons.sex = 'F', true", "an unknown sex is a woman's"),
        ("persons.sex = 'F', false", "persons.sex <> 'M', false", "whoever is no man is a woman"),
        ("role = 'victim'", "role <> 'suspect'", "witnesses are victims"),
        ("role = 'victim'", "role <> 'witness'", "suspects are victims"),
        ("select distinct", "select", "a victim recorded twice is two"),
        (
            "involvements.force = identities.force",
            "identities.force is not null",
            "a reference of one force finds the victim of another",
        ),
    ],
    f"{_INTERMEDIATE}/int_persons.sql": [
        ("where identities.person_key is null", "where true", "merged records speak for the person"),
        ("where identities.person_key is null", "where identities.person_key is not null", "the wrong record speaks"),
        (
            "people.force = identities.force",
            "people.force is not null",
            "a reference of one force finds another's person",
        ),
    ],
    f"{_INTERMEDIATE}/int_identities.sql": [
        (
            "steps.force || '|' || steps.merged_into_ref",
            "steps.force || '|' || steps.person_ref",
            "merges are not followed",
        ),
        ("where steps.step < 10000", "where steps.step < 1", "chains of merges are not followed"),
        (
            "            steps.force = person_merges.force\n            and steps.merged_into_ref ="
            " person_merges.person_ref\n    where steps.step",
            "            steps.merged_into_ref = person_merges.person_ref\n    where steps.step",
            "a chain goes on in another force",
        ),
        (
            "            steps.force = person_merges.force\n            and steps.merged_into_ref ="
            " person_merges.person_ref\n    where person_merges",
            "            steps.merged_into_ref = person_merges.person_ref\n    where person_merges",
            "a merge in one force merges the same reference of another",
        ),
        ("where person_merges.person_ref is null", "where true", "who stands between stands for the person, too"),
    ],
    f"{_INTERMEDIATE}/int_offender_scores.sql": [
        ("count(distinct victims.person_key)", "count(victims.person_key)", "a victim of two crimes is two"),
        ("where victims.is_female", "where true", "male victims are counted"),
        ("coalesce(sum(harm_days), 0)", "coalesce(max(harm_days), 0)", "only the gravest allegation counts"),
        ("coalesce(sum(harm_days), 0)", "coalesce(avg(harm_days), 0)", "the mean counts, not the sum"),
        ("count(*) as allegations", "count(harm_days) as allegations", "unweighted allegations are not counted"),
        ("case when harm_days is null then 1 else 0 end", "0", "no allegation is shown as unweighted"),
        ("harm_split = 'named'", "harm_split <> 'convicted'", "the charged are among the named"),
        ("harm_split = 'charged'", "harm_split <> 'named'", "the convicted are among the charged"),
        ("harm_split = 'convicted'", "harm_split <> 'named'", "the charged are among the convicted"),
        ("when is_closed_without_charge then", "when harm_split = 'named' then", "open cases are closed"),
        ("max(reported_on)", "min(reported_on)", "the latest report is the first"),
        ("min(reported_on)", "max(reported_on)", "the first report is the latest"),
        (
            "allegations.force = victims.force",
            "victims.force is not null",
            "a crime of one force has the victims of another's",
        ),
    ],
    f"{_INTERMEDIATE}/int_ranked_offenders.sql": [
        ("harm_rank <= list_size", "harm_rank < list_size", "the list has a place less"),
        ("harm_rank <= list_size", "harm_rank <= list_size + 1", "the list has a place more"),
        (") > 1 as is_tied", ") > 2 as is_tied", "a tie of two is not marked"),
        (
            "harm_days_closed_without_charge / nullif(harm_days, 0)",
            "coalesce(harm_days_closed_without_charge / nullif(harm_days, 0), 0)",
            "who has no harm has a share of it",
        ),
        ("partition by list_date, {{", "partition by {{", "equals on another list are a tie"),
        (
            "            partition by list_date\n            order by",
            "            order by",
            "people are ranked over all list dates",
        ),
    ],
    "macros/ranking.sql": [
        ("}}.allegations >= {{", "}}.allegations > {{", "the least number of allegations is one more"),
        (
            "{{ scores }}.allegations >= {{ rules }}.minimum_allegations",
            "true",
            "no method has a least number of allegations",
        ),
        ("}}.female_victims >= {{", "}}.female_victims > {{", "the least number of women is one more"),
        (
            "{{ scores }}.female_victims >= {{ rules }}.minimum_female_victims",
            "true",
            "no method has a least number of women",
        ),
        ("'harm_days', 'female_victims'", "'female_victims', 'harm_days'", "women go before harm"),
        ("'female_victims', 'allegations'", "'allegations', 'female_victims'", "allegations go before women"),
        ("'allegations', 'latest_reported_on'", "'latest_reported_on', 'allegations'", "the latest report goes before"),
        ("'harm_days', 'female_victims', ", "'harm_days', ", "women do not part equals"),
        (", 'latest_reported_on'", "", "the latest report does not part equals"),
        (
            "join(' desc, ') }} desc, offender_key asc",
            "join(' asc, ') }} asc, offender_key asc",
            "the least harm is first",
        ),
        ("offender_key asc", "offender_key desc", "the key runs the other way"),
        (
            "{{ prefix }}{{ column }}\n            then",
            "{{ prefix }}harm_days\n            then",
            "only harm decides a place",
        ),
        ("offender_key > {{ other }}", "offender_key < {{ other }}", "the key decides a place the other way"),
    ],
    f"{_INTERMEDIATE}/int_earlier_lists.sql": [
        ("list_dates.list_date < rules", "list_dates.list_date <= rules", "the previous list is the list itself"),
        ("ranked.list_date < rules", "ranked.list_date <= rules", "the list itself is an earlier month"),
        ("        and ranked.is_listed\n", "", "a rank below the line is a place"),
        ("        ranked.is_monthly\n        and ", "        ", "a list inside a month is a month"),
        (
            "case when ranked.list_date = previous_list.list_date then ranked.harm_rank end",
            "ranked.harm_rank",
            "the previous rank is the worst there ever was",
        ),
        ("list_dates.is_monthly and ", "", "the previous list may be one inside a month"),
    ],
    "models/marts/top_100.sql": [
        ("coalesce(past.earlier_months, 0) + 1", "coalesce(past.earlier_months, 0)", "the list itself is no month"),
        ("coalesce(harm_days, -1) desc", "coalesce(harm_days, -1) asc", "the least serious offence names the place"),
        ("coalesce(harm_days, -1)", "coalesce(harm_days, 99999)", "an unweighted offence is the most serious"),
        ("reported_on desc, force", "reported_on asc, force", "of two as serious the older names the place"),
        ("ranked.is_current and ranked.is_listed", "ranked.is_current", "everybody is on the list"),
        ("ranked.is_current and ranked.is_listed", "ranked.is_listed", "earlier lists are on the list"),
        ("ranked.harm_days - lines", "lines.line_harm_days - lines", "everybody is on the line"),
    ],
    "models/marts/list_history.sql": [
        ("is_monthly and is_listed", "is_listed", "lists inside a month are history"),
        ("is_monthly and is_listed", "is_monthly", "people below the line are history"),
    ],
    "models/marts/offender_people.sql": [
        ("is_current or (is_monthly and is_listed)", "true", "everybody ever ranked is named"),
        ("is_current or (is_monthly and is_listed)", "is_current", "people once listed are not named"),
        ("is_current or (is_monthly and is_listed)", "is_listed", "people below the line are not named"),
    ],
    "models/marts/top_100_evidence.sql": [
        ("listed.is_current and listed.is_listed", "listed.is_current", "the evidence of everybody is the list's"),
        ("listed.is_current and listed.is_listed", "listed.is_listed", "evidence of people once listed is the list's"),
    ],
    "models/marts/offender_evidence.sql": [
        ("counted.is_current and ranked.is_current", "ranked.is_listed is not null", "evidence of other dates"),
        ("ranked.is_listed and (", "(", "people below the line have a place to lose"),
        ("without.allegations < rules", "without.allegations <= rules", "a second allegation decides"),
        ("without.female_victims < rules", "without.female_victims <= rules", "a second woman decides"),
    ],
    f"{_INTERMEDIATE}/int_list_lines.sql": [
        ("order by harm_rank", "order by harm_rank desc", "the line is the last one ranked"),
        ("where not is_listed", "where is_listed", "the line is the first one listed"),
    ],
    f"{_INTERMEDIATE}/int_custody_on_list_dates.sql": [
        ("custody_from <= list_dates", "custody_from < list_dates", "the first day is no custody"),
        ("custody_to > list_dates", "custody_to >= list_dates", "the day of release is custody"),
        ("custody_periods.custody_to is null or ", "", "custody without an end is none"),
        ("select distinct", "select", "two spells are two people"),
    ],
    f"{_INTERMEDIATE}/int_custody_periods.sql": [
        ("select distinct", "select", "one spell on two merged records is two"),
        ("custody.force = identities.force", "custody.force is not null", "custody of another force's person"),
    ],
    "models/marts/crime_harm_monthly.sql": [
        (
            "reported_by = 'police' then 'proactive'",
            "reported_by = 'police' then 'current'",
            "police work is public reports",
        ),
        (
            "reported_by = 'company' then 'company'",
            "reported_by = 'company' then 'current'",
            "company work is public reports",
        ),
        (
            "extract(year from crimes.last_committed_on) < extract",
            "extract(year from crimes.last_committed_on) <= extract",
            "this year's crimes are historic",
        ),
        ("crimes.reported_on <= rules", "crimes.reported_on < rules", "reports of the list date are out"),
        ("crimes.cancelled_on > rules", "crimes.cancelled_on >= rules", "crimes cancelled on the list date count"),
        ("series = 'current' and is_detected", "is_detected", "detected police work is among the public's"),
        (
            "coalesce(detected_harm_days, 0) / nullif(harm_days, 0)",
            "coalesce(coalesce(detected_harm_days, 0) / nullif(harm_days, 0), 0)",
            "where there is no harm a share of it is detected",
        ),
        (
            "coalesce(crimes.area_code, 'unknown')",
            "coalesce(crimes.area_code, '')",
            "crimes without an area have no name",
        ),
    ],
    f"{_INTERMEDIATE}/int_harm_concentration.sql": [
        ("    where is_current\n", "", "other list dates are among the offenders"),
        ("(offenders.harm_rank - 1) * 100", "offenders.harm_rank * 100", "a share of offenders is rounded down"),
        (
            "* 100 < shares.per_cent * offenders.offenders_in_all",
            "* 100 <= shares.per_cent * offenders.offenders_in_all",
            "a share that comes to whole offenders has one more",
        ),
        (
            "* 100 < shares.per_cent * offenders.harm_days_in_all",
            "* 100 <= shares.per_cent * offenders.harm_days_in_all",
            "exactly the share of harm is not enough",
        ),
        (
            "(order by harm_rank) - harm_days",
            "(order by harm_rank)",
            "the share of harm may fall short by one offender",
        ),
        ("(order by harm_rank)", "(order by harm_days desc)", "all equals are in or none"),
        (
            "shares.share_of = 'offenders'\n",
            "shares.share_of is not null\n",
            "a share of harm is one of offenders, too",
        ),
        ("left join summed", "inner join summed", "where nobody is in there is no answer"),
        ("nullif(max(harm_days_in_all), 0)", "nullif(max(harm_days_in_all), 0) * 100", "the share of harm in per cent"),
    ],
    f"{_INTERMEDIATE}/int_unclassified_allegations.sql": [
        ("reported_on > list_dates", "reported_on >= list_dates", "the window has a day more at its start"),
        ("not allegations.is_known_offence", "true", "known offences are unclassified"),
    ],
    f"{_INTERMEDIATE}/int_scores_without.sql": [
        ("where allegations_of_this_woman = 1", "where true", "a woman goes although another allegation names her"),
        ("in_order.harm_days_in_all - in_order.harm_days_gone", "in_order.harm_days_in_all", "no harm ever runs out"),
    ],
    f"{_INTERMEDIATE}/int_build.sql": [
        (
            "coalesce(requests.list_date, newest.newest_extract_on)",
            "newest.newest_extract_on",
            "no list date can be asked for",
        ),
        ("coalesce(requests.method, default_method.method)", "default_method.method", "no method can be asked for"),
        ("    where is_default\n", "", "any method may be the default"),
        ("max(extract_on)", "min(extract_on)", "the list date is the oldest extract's"),
    ],
    "macros/newest_version.sql": [
        ("as hugeint) << 60)", "as hugeint) >> 60)", "the later extract wins"),
        ("        + (cast(extracts.extract_number as hugeint) << 36)", "", "the extract decides nothing"),
        ("        + source.row_number as", "        as", "the row decides nothing"),
        ("by extract_id) as extract_number", "by extract_id desc) as extract_number", "the earlier extract wins"),
        (", max(newest.version_number)", ", min(newest.version_number)", "the oldest version wins"),
    ],
    f"{_INTERMEDIATE}/int_touched_records.sql": [
        ("touched.force = person_merges.force", "touched.force is not null", "merges of another force touch a record"),
        (
            "touched.person_ref = person_merges.merged_into_ref",
            "touched.person_ref = person_merges.person_ref",
            "whoever was merged into a touched record is left as it was",
        ),
        ("where touched.step < 10000", "where touched.step < 2", "a chain of merges is left as it was"),
        ("on people.extract_id = new_extracts", "on people.extract_id <> new_extracts", "old records are touched"),
        (
            "on merge_versions.extract_id = new_extracts",
            "on merge_versions.extract_id <> new_extracts",
            "old merges touch",
        ),
    ],
    f"{_INTERMEDIATE}/int_touched_crimes.sql": [
        (
            "on crime_versions.extract_id = new_extracts",
            "on crime_versions.extract_id <> new_extracts",
            "old crimes are",
        ),
        (
            "on involvement_versions.extract_id =",
            "on involvement_versions.extract_id <>",
            "old involvements touch a crime",
        ),
        (
            "where involvements.person_digest in (select touched_records.person_digest from touched_records)",
            "where true",
            "every involvement touches its crime",
        ),
    ],
    f"{_INTERMEDIATE}/int_touched_offenders.sql": [
        ("involvement_versions.role = 'suspect'", "true", "victims' scores are made"),
        (
            "involvement_versions.crime_digest in (select touched_crimes.crime_digest from touched_crimes)",
            "true",
            "suspects of every crime are",
        ),
        ("in ['identities', 'identities_before']", "in ['identities']", "who a record stood for keeps its score"),
        ("in ['identities', 'identities_before']", "in ['identities_before']", "who a record stands for gets no score"),
        ("on custody_versions.extract_id =", "on custody_versions.extract_id <>", "new custody is not seen"),
    ],
    "models/staging/stg_new_extracts.sql": [
        ("built_extracts.extract_id is null", "true", "every extract is new each time"),
        ("        and false\n", "", "everything is touched where everything is made anew"),
    ],
    **{
        f"models/staging/stg_{table}.sql": [("where not is_deleted", "where true", f"deleted {table} count")]
        for table in ("crimes", "people", "involvements", "custody", "person_merges")
    },
    "macros/dates.sql": [
        (
            "                < extract(month from {{ date_of_birth }})",
            "                <= extract(month from {{ date_of_birth }})",
            "a birthday on the list date is not yet one",
        ),
        ("                then 1\n", "                then 0\n", "age is counted by the year alone"),
        ("({{ later }} - {{ earlier }})", "({{ earlier }} - {{ later }})", "a crime is as old as it is in the future"),
        ("cast({{ date }} + (", "cast({{ date }} - (", "windows run into the future"),
    ],
    "macros/text.sql": [
        ("'^[0-9]{4,5}$'", "'^[0-9]{5}$'", "a code without its leading zero is unknown"),
        ("'^[0-9]{1,3}/[0-9]{1,2}$'", "'^[0-9]{3}/[0-9]{2}$'", "a short code with a slash is unknown"),
        ("else upper({{ code }})", "else {{ code }}", "a recorded-crime code in small letters is unknown"),
    ],
}

_V100 = (
    "true,cchi_2020_supplemented,lowest,365,M,F,in,named arrested charged convicted,"
    "victim witness third_party,18,1,1,include,365,include,exclude,100"
)

# The row of the seed is part of the method, too.
_ROW: dict[str, tuple[str, str]] = {
    "another index": ("cchi_2020_supplemented", "cchi_2020"),
    "the highest of several values": (",lowest,", ",highest,"),
    "a window of 364 days": (",365,M,", ",364,M,"),
    "a window of 366 days": (",365,M,", ",366,M,"),
    "women are ranked": (",M,F,", ",M F,F,"),
    "male victims count": (",M,F,", ",M,F M,"),
    "discretionary offences count": (",in,", ",in discretionary,"),
    "the named do not count": ("named arrested", "arrested"),
    "the arrested do not count": ("arrested ", ""),
    "the charged do not count": ("charged ", ""),
    "the convicted do not count": (" convicted", ""),
    "the acquitted count": ("convicted", "convicted acquitted"),
    "the eliminated count": ("convicted", "convicted eliminated"),
    "police reports count": ("third_party", "third_party police"),
    "company reports count": ("third_party", "third_party company"),
    "reports by witnesses do not count": ("witness ", ""),
    "reports by third parties do not count": (" third_party", ""),
    "nineteen is the least age": (",18,", ",19,"),
    "seventeen is the least age": (",18,", ",17,"),
    "two allegations are needed": (",18,1,1,", ",18,2,1,"),
    "two women are needed": (",18,1,1,", ",18,1,2,"),
    "historic reports are out": ("1,include,365", "1,exclude,365"),
    "366 days are not yet historic": ("include,365,include", "include,366,include"),
    "custody excludes": ("365,include,exclude", "365,exclude,exclude"),
    "the dead are ranked": ("include,exclude,100", "include,include,100"),
    "99 places": (",100", ",99"),
}

MUTATIONS = [Mutation(file, *rule) for file, rules in _RULES.items() for rule in rules]

SEED_MUTATIONS = [
    Mutation("seeds/ranking_methods.csv", _V100, _V100.replace(old, new, 1), means)
    for means, (old, new) in _ROW.items()
]

"""Every rule of the method, changed: file, the text of the rule, the changed text, and what that means.

The text must be in its file exactly once, so that a change of the code asks for a change here. A condition that
no data can distinguish from its opposite has no row: `minimum_female_victims` of zero is the same as one for `v100`, whose
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


_RULES: dict[str, list[tuple[str, str, str]]] = {
    "models/intermediate/allegations/int_counted_allegations.sql": [
        ("reported_on <= list_dates", "reported_on < list_dates", "a report on the list date is out"),
        ("reported_on > list_dates", "reported_on >= list_dates", "the window has a day more at its start"),
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
    "models/intermediate/lists/int_list_dates.sql": [
        (
            "<= covered.last_covered_on",
            "< covered.last_covered_on",
            "no monthly list for a month-end that is the list date",
        ),
        ("            rows between unbounded preceding and 1 preceding\n", "", "a list is its own predecessor"),
        ("list_date = rules.list_date as", "list_date <= rules.list_date as", "earlier lists count as the current one"),
        ("rules.list_date < rules.newest_extract_on", "false", "monthly lists for months after the list date"),
        ("rules.list_date < rules.newest_extract_on", "true", "monthly lists for months that have not landed"),
        ("eligible.reported_on >=", "eligible.reported_on >", "a report of exactly 120 years ago starts no list"),
        ("    select list_date from rules\n", "    select list_date from month_ends\n", "no list inside a month"),
        ("month_ends.list_date is not null as", "true as", "a list inside a month is a monthly one"),
    ],
    "macros/conditions.sql": [
        ("add_days(list_date, 1)", "add_days(list_date, 0)", "the list of a month-end is followed by itself"),
        ("'-' ~ window_days", "'1 - ' ~ window_days", "a window of 364 days"),
        ("'-' ~ window_days", "'-1 - ' ~ window_days", "a window of 366 days"),
        ("~ '.vawg_scopes') }}, false)", "~ '.vawg_scopes') }}, true)", "an unknown code is in scope"),
        (
            "coalesce({{ is_listed(vawg_scope, rules ~ '.vawg_scopes') }}, false)",
            "{{ vawg_scope }} is not null",
            "every offence is in scope",
        ),
        (
            """ and {{ is_listed("'" ~ sex ~ "'", rules ~ '.victim_sexes') }}""",
            "",
            "victims of every sex make a crime count",
        ),
        (
            "position('{{ sex }}' in {{ victim_sexes }}) > 0 and ",
            "",
            "a crime without a woman among its victims counts",
        ),
        ("case when {{ sex }} = '{{ known }}' then", "case when true then", "every victim is of every sex"),
        ("{{ is_listed(reported_by, rules ~ '.reported_by') }}", "true", "every reporter counts"),
        ("{{ is_listed(status, rules ~ '.statuses') }}", "true", "every status counts"),
        ("~ '.offender_sexes') }}, false)", "~ '.offender_sexes') }}, true)", "an unknown sex counts as a man's"),
        ("{{ is_listed(sex, rules ~ '.offender_sexes') }}", "{{ sex }} is not null", "women are ranked"),
        ("}} > {{ rules }}.historic_after_days", "}} >= {{ rules }}.historic_after_days", "365 days are historic"),
        (".historic_after_days, false", ".historic_after_days, true", "an unknown date is historic"),
        ("{{ rules }}.historic_reports = 'include' or ", "", "historic reports are left out"),
        (" or not {{ is_historic }}", " or true", "no method can leave out historic reports"),
        (
            "{{ cancelled_on }} > {{ on_date }}",
            "{{ cancelled_on }} >= {{ on_date }}",
            "a crime cancelled on the day counts",
        ),
        ("({{ cancelled_on }} is null or {{ cancelled_on }} > {{ on_date }})", "true", "cancelled crimes count"),
        (
            "({{ cancelled_on }} is null or {{ cancelled_on }} > {{ on_date }})",
            "{{ cancelled_on }} is null",
            "a crime cancelled after the list date is out",
        ),
        (" - {{ birth_year }}", " - {{ birth_year }} - 1", "a birth year alone makes a person a year younger"),
        (
            "when {{ date_of_birth }} is not null",
            "when {{ birth_year }} is null",
            "the birth year goes before the date of birth",
        ),
        (
            "{{ highest_possible_age }} >= {{ rules }}.minimum_age",
            "{{ highest_possible_age }} > {{ rules }}.minimum_age",
            "eighteen is too young",
        ),
        ("{{ highest_possible_age }} is null or ", "", "an unknown age is too young"),
        (
            "({{ highest_possible_age }} is null or {{ highest_possible_age }} >= {{ rules }}.minimum_age)",
            "true",
            "children count",
        ),
        ("{{ deceased_on }} > {{ on_date }}", "{{ deceased_on }} >= {{ on_date }}", "dead on the list date counts"),
        ("{{ rules }}.deceased = 'include'", "true", "the dead count"),
        ("{{ rules }}.deceased = 'include'", "false", "no method can keep the dead"),
        ("        or {{ deceased_on }} is null\n", "", "the living do not count"),
        ("{{ rules }}.custody = 'include' or ", "", "people in custody are left out"),
        (" or not {{ is_in_custody }}", " or true", "no method can leave out people in custody"),
        ("else {{ weights }}.harm_days", "else coalesce({{ weights }}.harm_days, 0)", "a missing weight is zero"),
        ("weight_choice = 'highest' then", "weight_choice = 'lowest' then", "the highest of several values counts"),
        (
            "when {{ rules }}.weight_choice = 'highest' then {{ weights }}.harm_days_highest",
            "",
            "no method can take the highest value",
        ),
        ("when {{ rules }}.flat_harm_days is not null then {{ rules }}.flat_harm_days", "", "the count weighs nothing"),
    ],
    "models/intermediate/comparison/int_compared_methods.sql": [
        ("then otherwise else", "then first_choice else", "a condition is changed to its own value"),
        ("then otherwise_title else", "then first_title else", "a condition is shown as changed to the other value"),
        (
            "on methods.method = builds.method",
            "on methods.method <> builds.method",
            "rules of other methods are turned",
        ),
        (
            "case when turned_rule = '{{ condition }}' then cast(turned_to as {{ type }}) else {{ condition }} end",
            "{{ condition }}",
            "no condition is changed",
        ),
        (
            "compared.turned_rule is null and compared.method = builds.method",
            "compared.method = builds.method",
            "a turned ranking is the published one",
        ),
        (
            "set limits = ['harm_index', 'minimum_allegations', 'minimum_female_victims']",
            "set limits = ['harm_index']",
            "ways to count differ by a minimum of allegations",
        ),
    ],
    "models/intermediate/comparison/int_windowed_allegations.sql": [
        ("max(window_days)", "min(window_days)", "only the shortest window is read"),
        ("reported_on <= longest", "reported_on < longest", "a report on the list date is out"),
        ("allegations.reported_on > {{", "allegations.reported_on >= {{", "the window has a day more at its start"),
        (
            "and {{ is_on_record('allegations.cancelled_on', 'longest_window.list_date') }}",
            "",
            "cancelled crimes are compared",
        ),
        ("longest_window.list_date = in_custody.list_date", "true", "custody on another day counts"),
    ],
    "models/intermediate/comparison/int_compared_allegations.sql": [
        ("is_scope_of_method('facts.vawg_scope', 'methods')", "'true'", "offences of every scope count"),
        ("is_status_of_method('facts.status', 'methods')", "'true'", "cleared suspects count"),
        ("is_reporter_of_method('facts.reported_by', 'methods')", "'true'", "every reporter counts"),
        ("is_sex_of_method('facts.offender_sex', 'methods')", "'true'", "women are ranked"),
        ("has_victim_of_method('facts.victim_sexes', 'methods')", "'true'", "every victim counts"),
        ("'facts.reported_on > '", "'facts.reported_on >= '", "a day more at the start"),
        (
            "counts_when_historic(is_historic_report('facts.days_to_report', 'methods'), 'methods')",
            "'true'",
            "historic reports count in every method",
        ),
        ("is_age_of_method('facts.highest_possible_age', 'methods')", "'true'", "children count"),
        ("counts_when_dead('facts.deceased_on', 'methods.list_date', 'methods')", "'true'", "the dead count"),
        ("counts_in_custody('facts.is_in_custody', 'methods')", "'true'", "people in custody count"),
        ("        & bits_by_day", "        | bits_by_day", "one condition is enough"),
        ("where counting_bits <> 0", "where true", "allegations that no method counts are compared"),
    ],
    "models/intermediate/comparison/int_method_scores.sql": [
        ("            and methods.harm_index = weights.harm_index\n", "", "weights of other indices count"),
        ("coalesce(max(parts.", "coalesce(min(parts.", "the mildest is the gravest"),
        ("bit_or(counted.counting_bits)", "min(counted.counting_bits)", "a woman counts by one of her crimes alone"),
        ("    where victims.is_female\n", "", "men are female victims"),
        (
            "            counted.force = victims.force\n            and ",
            "            ",
            "victims of another force count",
        ),
        (
            "            parts.counting_bits = weighed_kinds.counting_bits\n            and ",
            "            ",
            "all ways count all",
        ),
    ],
    "models/intermediate/comparison/int_eligible_scores.sql": [
        ("    where {{ meets_the_minimums('scores', 'methods') }}\n", "", "the minima leave nobody out"),
        (
            "factors.factor_value >= bands.at_least",
            "factors.factor_value > bands.at_least",
            "an edge is below its band",
        ),
        ("factors.factor_value < bands.below", "factors.factor_value <= bands.below", "an edge is in two bands"),
        ("bands.below is null or ", "", "the last band has an end"),
        ("bands.points * factors.factor_percent", "bands.points", "points are not weighted"),
        ("when eligible.scoring = 'points' then coalesce(points.points, 0)", "when false then 0", "points do not rank"),
    ],
    "models/intermediate/comparison/int_method_ranks.sql": [
        ("where is_current and is_listed", "where is_current", "everybody has a place by every method"),
        ("where is_current and is_listed", "where is_listed", "the people of earlier lists have a place"),
        ("order by score desc) - people", "order by score desc)", "equals are ahead"),
        (
            "over (partition by ranking_key order by score desc)",
            "over (partition by ranking_key order by score)",
            "lowest first",
        ),
        ("wanted_levels.people_ahead + row_number()", "row_number()", "people with a higher score are not ahead"),
        (
            "ranked.method_rank <= methods.list_size as is_listed",
            "ranked.method_rank < methods.list_size as is_listed",
            "a place less",
        ),
        ("        or counted_levels.people_ahead < methods.list_size\n", "", "other methods have no list"),
        (
            "        or levels_of_published_list.score is not null\n",
            "",
            "who leaves the list is not placed by the other method",
        ),
        (
            "        methods.is_published\n        or ranked.method_rank",
            "        ranked.method_rank",
            "the published method ranks only its list",
        ),
        (
            "        or ranked.offender_key in (select published_list.offender_key from published_list)\n",
            "",
            "who leaves the list has no place by the other method",
        ),
    ],
    "models/intermediate/comparison/int_method_overlaps.sql": [
        ("published_size.ranked_offenders + 1", "1", "a person whom the published method does not rank is its first"),
        ("sizes.ranked_offenders + 1", "1", "a person whom a method does not rank is its first"),
        (
            "when is_on_this_list and not is_on_published_list",
            "when is_on_this_list",
            "a person on both lists is only on one",
        ),
        (
            "when is_on_published_list and not is_on_this_list",
            "when is_on_published_list",
            "a person on both lists leaves",
        ),
    ],
    "models/marts/method/method_lists.sql": [
        ("where is_listed and turned_rule is null", "where is_listed", "a changed condition is a method"),
        ("(partition by listed.offender_key)", "(partition by listed.method)", "methods are counted by method"),
    ],
    "models/marts/method/rule_effect_people.sql": [
        (
            "where ranks.is_listed and not coalesce(published.is_listed, false)",
            "where not coalesce(published.is_listed, false)",
            "a person below the cut-off enters",
        ),
        (
            "where published.is_listed and not coalesce(ranks.is_listed, false)",
            "where not coalesce(ranks.is_listed, false)",
            "who was never listed leaves",
        ),
    ],
    "models/intermediate/allegations/int_eligible_allegations.sql": [
        ("allegations.is_in_scope", "true", "offences of every scope count"),
        ("allegations.has_counted_victim", "true", "crimes without a woman among the victims count"),
        ("allegations.is_counted_reporter", "true", "police and company reports count"),
        ("allegations.is_counted_status", "true", "cleared suspects count"),
        ("allegations.is_counted_sex", "true", "offenders of every sex count"),
        ("rules.window_days - 1", "rules.window_days", "an allegation counts a day longer"),
    ],
    "models/intermediate/allegations/int_weighted_allegations.sql": [
        ("sum(case when is_female then 1 else 0 end)", "count(*)", "men are counted as female victims"),
        ("'crimes.last_committed_on'", "'crimes.committed_from'", "a crime is dated by its first day"),
        (
            "coalesce(victims_of_crimes.victim_sexes, '')",
            "coalesce(victims_of_crimes.victim_sexes, 'F')",
            "a crime without a victim has one",
        ),
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
        ("crimes.has_outcome_without_charge and ", "", "every suspect who is not charged is closed"),
        ("inner join crimes", "left join crimes", "an allegation without its crime is weighed"),
        (
            "allegations.force = crimes.force",
            "crimes.force is not null",
            "a reference of one force finds the crime of another",
        ),
        (
            "allegations.force = victims_of_crimes.force",
            "victims_of_crimes.force is not null",
            "a crime of one force has the victims of another's",
        ),
        (
            "offender_key') }} = offenders.force",
            "offender_key') }} is not null",
            "a reference of one force finds another's person",
        ),
    ],
    "models/intermediate/allegations/int_weighted_crimes.sql": [
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
        ("outcomes.is_closed_without_charge", "not outcomes.is_detected", "every undetected crime is closed"),
        ("offences.offence_code is not null as", "true as", "every code is known"),
    ],
    "models/intermediate/method/int_harm_weights.sql": [
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
    "models/intermediate/method/int_index_weights.sql": [
        (
            "where overriding_weights.harm_index is null",
            "where true",
            "a supplement does not replace the figure it corrects",
        ),
        (
            "own_weights.offence_code = overriding_weights.offence_code",
            "overriding_weights.offence_code is not null",
            "a supplement of one code hides all other codes",
        ),
        (
            "    select * from inherited_weights\n",
            "    select * from inherited_weights where false\n",
            "nothing is inherited",
        ),
    ],
    "models/intermediate/allegations/int_allegations.sql": [
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
    "models/intermediate/allegations/int_crime_victims.sql": [
        ("people.sex = 'F', false", "people.sex = 'F', true", "an unknown sex is a woman's"),
        ("people.sex = 'F', false", "people.sex <> 'M', false", "everybody but a man is a woman"),
        ("role = 'victim'", "role <> 'suspect'", "witnesses are victims"),
        ("role = 'victim'", "role <> 'witness'", "suspects are victims"),
        ("select distinct", "select", "a victim recorded twice is two"),
        (
            "involvements.force = identities.force",
            "identities.force is not null",
            "a reference of one force finds the victim of another",
        ),
        (
            "victims.surviving_force = people.force",
            "people.force is not null",
            "a victim has the sex of another force's person",
        ),
    ],
    "macros/people.sql": [
        (
            "coalesce({{ identities }}.surviving_ref, {{ record }}.person_ref)",
            "{{ record }}.person_ref",
            "merged records speak for the person",
        )
    ],
    "models/intermediate/people/int_identities.sql": [
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
        ("where person_merges.person_ref is null", "where true", "a record in the middle of a chain is the person too"),
    ],
    "models/intermediate/lists/int_offender_scores.sql": [
        ("harm_split = 'named'", "harm_split <> 'convicted'", "the charged are among the named"),
        ("harm_split = 'charged'", "harm_split <> 'named'", "the convicted are among the charged"),
        ("harm_split = 'convicted'", "harm_split <> 'named'", "the charged are among the convicted"),
        ("when is_closed_without_charge then", "when harm_split = 'named' then", "open cases are closed"),
        ("min(reported_on)", "max(reported_on)", "the first report is the latest"),
    ],
    "models/intermediate/lists/int_ranked_offenders.sql": [
        ("harm_rank <= list_size", "harm_rank < list_size", "the list has a place less"),
        ("harm_rank <= list_size", "harm_rank <= list_size + 1", "the list has a place more"),
        (") > 1 as is_tied", ") > 2 as is_tied", "a tie of two is not marked"),
        (
            "harm_days_closed_without_charge / nullif(harm_days, 0)",
            "coalesce(harm_days_closed_without_charge / nullif(harm_days, 0), 0)",
            "who has no harm has a share of it",
        ),
        ("partition by list_date, {{", "partition by {{", "equal people on another list are tied"),
        (
            "            partition by list_date\n            order by",
            "            order by",
            "people are ranked over all list dates",
        ),
    ],
    "macros/ranking.sql": [
        (
            "count(distinct {{ victims }}.person_key)",
            "count({{ victims }}.person_key)",
            "a victim of two crimes is two",
        ),
        ("where {{ victims }}.is_female", "where true", "male victims are counted"),
        (
            "{{ allegations }}.force = {{ victims }}.force",
            "{{ victims }}.force is not null",
            "a crime of one force has the victims of another's",
        ),
        ("coalesce(sum(harm_days), 0)", "coalesce(max(harm_days), 0)", "only the gravest allegation counts"),
        ("coalesce(sum(harm_days), 0)", "coalesce(avg(harm_days), 0)", "the mean counts, not the sum"),
        ("count(*) as allegations", "count(harm_days) as allegations", "unweighted allegations are not counted"),
        ("case when harm_days is null then 1 else 0 end", "0", "no allegation is shown as unweighted"),
        ("max(reported_on)", "min(reported_on)", "the latest report is the first"),
        ("not {{ meets_the_minimums(scores, rules) | indent(8) }}", "false", "the minima are ignored"),
        (
            "or coalesce({{ ranks_behind",
            "or coalesce(not {{ ranks_behind",
            "a person before the cut-off falls off the list",
        ),
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
        ("'harm_days', 'female_victims'", "'female_victims', 'harm_days'", "women rank before harm"),
        ("'female_victims', 'allegations'", "'allegations', 'female_victims'", "allegations rank before women"),
        ("'allegations', 'latest_reported_on'", "'latest_reported_on', 'allegations'", "the latest report ranks first"),
        ("'harm_days', 'female_victims', ", "'harm_days', ", "the number of women separates nobody"),
        (", 'latest_reported_on'", "", "the latest report separates nobody"),
        (
            "join(' desc, ') }} desc, offender_key asc",
            "join(' asc, ') }} asc, offender_key asc",
            "the person with least harm is first",
        ),
        ("offender_key asc", "offender_key desc", "the keys are in the opposite order"),
        ("offender_key > {{ other }}", "offender_key < {{ other }}", "keys are compared in the opposite order"),
        ("{{ 'and ' if not loop.first }}", "{{ 'or ' if not loop.first }}", "people alike in anything are tied"),
        ("then '{{ column }}'", "then 'harm_days'", "harm separates all places"),
        (
            "{{ one }}.{{ column }} - {{ other }}.{{ column }}",
            "{{ one }}.{{ column }}",
            "places are separated by their whole score",
        ),
    ],
    "models/intermediate/lists/int_list_members.sql": [
        (
            "    where is_listed\n\n),\n\n-- Large",
            "\n),\n\n-- Large",
            "a rank below the cut-off is a place on the list",
        ),
        (
            "and current row\n        ) as months_on_list",
            "and 1 preceding\n        ) as months_on_list",
            "the list itself is no month",
        ),
        (
            "on listed.list_date = list_dates.previous_list_date",
            "on listed.list_date < list_dates.list_date",
            "everybody ever listed has moved",
        ),
        (
            "coalesce(listed.months_on_list, listed_before.months_on_list)",
            "listed.months_on_list",
            "who left has no months",
        ),
    ],
    "models/intermediate/lists/int_list_changes.sql": [
        ("reported_on > counted_now", "reported_on >= counted_now", "a report of the list before is new"),
        ("counts_until < counted_before", "counts_until <= counted_before", "the last day of the window has passed"),
        (
            "deceased_on <= counted_before",
            "deceased_on < counted_before",
            "a person who died on the list date counts as alive",
        ),
        ("rules.deceased <> 'include' and ", "", "dead people leave although the method keeps them"),
        ("then 'passed'", "then 'cancelled'", "a window that ended was cancelled"),
        (
            "    where counted_now.crime_ref is null or counted_before.crime_ref is null\n",
            "",
            "what stays is reported again",
        ),
    ],
    "models/intermediate/lists/int_listed_allegations.sql": [
        (
            "counted_then.offender_key = allegations.offender_key",
            "counted_then.offender_key is not null",
            "another suspect's allegations are everybody's",
        ),
        (
            "    union\n    select offender_key from {{ ref('int_published_places') }}\n",
            "",
            "published people are forgotten",
        ),
    ],
    "models/marts/history/list_movements.sql": [
        (
            "when is_listed and was_listed then 'stayed'",
            "when was_listed then 'stayed'",
            "a person who left has stayed",
        ),
        ("standings.before_harm_rank is null or not (", "not (", "a person without a rank before has not risen"),
        ("or {{ ranks_alike('standings', 'standings', 'before_') }}", "", "a person with an equal score has risen"),
        ("standings.harm_rank is null or {{", "{{", "a person without a rank now has not fallen"),
        ("                and held_before.person_key is not null\n", "", "everybody who comes of age is released"),
        ("                and rules.custody <> 'include'\n", "", "custody matters where the method lists who is in it"),
        ("compared.previous_list_date = held_before", "compared.list_date = held_before", "custody of today releases"),
        ("changes.has_died then 'died'", "changes.has_died then 'in_custody'", "the dead are in custody"),
        (
            "harm_days_cancelled >= changes",
            "harm_days_cancelled > changes",
            "with equal harm, the reason is the end of the window",
        ),
        (
            "harm_days_cancelled >= changes.harm_days_passed",
            "harm_days_cancelled >= 0",
            "any cancellation is the reason",
        ),
        ("before_harm_rank - compared", "harm_rank - compared", "nobody moves a place"),
        ("published_harm_rank is distinct from harm_rank", "false", "a different rank changes no list"),
        ("published_harm_days is distinct from harm_days", "false", "different harm changes no list"),
        (" or remade_before.list_date is not null", "", "a changed previous list counts as unchanged"),
    ],
    "models/marts/history/list_churn.sql": [
        (
            "window_starts_after < min(",
            "window_starts_after <= min(",
            "a window that begins with the first list is filling",
        ),
        ("and movements.allegations = 1", "and movements.allegations > 0", "everybody has one allegation"),
        ("and movements.months_on_list = 1", "and true", "a person who came back counts as new"),
        ("when movements.movement <> 'left' and", "when", "a person who left counts among those with one allegation"),
        (
            "sum(case when movements.movement <> 'left' then movements.harm_days end)",
            "sum(movements.harm_days)",
            "what who left has still is harm of the list",
        ),
        (
            "sum(case when movements.movement <> 'entered' then movements.harm_days_before end)",
            "sum(movements.harm_days_before)",
            "what who entered had already is harm of the list before",
        ),
        ("nullif(stayed + people_left, 0) as churn", "nullif(entered + stayed, 0) as churn", "churn is of this list"),
        (
            "nullif(entered + stayed + people_left, 0)",
            "nullif(entered + stayed, 0)",
            "the lists are as alike as one is old",
        ),
    ],
    "models/intermediate/corrections/int_published_places.sql": [
        ("order by built_at desc", "order by built_at asc", "the first publication counts, not the last"),
        (
            "        on in_order.list_date = list_dates.list_date\n",
            "        on true\n",
            "lists of other dates are compared",
        ),
        ("    where ranked.is_listed\n", "", "people below the cut-off are on the list"),
    ],
    "models/intermediate/corrections/int_lost_evidence.sql": [
        (
            "            when not allegations.is_counted_status and allegations.status = lost.status then 'rule'\n",
            "",
            "a rule is shown as a change of status",
        ),
        ("    where not places.is_listed\n", "", "evidence of a place that is still there is lost"),
        ("        and role = 'suspect'\n", "", "a victim taken off the crime deletes the allegation"),
        (
            "and lost.offender_key = deleted_links.offender_key",
            "and deleted_links.offender_key is not null",
            "another suspect taken off the crime deletes the allegation",
        ),
        (" and allegations.offence_code = lost.offence_code", "", "another code counts as a rule"),
        (
            "lost.is_counted and lost.offence_code = lost.offence_code_now",
            "lost.is_counted",
            "a recoded crime is a rule",
        ),
        ("or published.harm_days is distinct from counted.harm_days", "", "another weight is no loss"),
    ],
    "models/intermediate/corrections/int_later_evidence.sql": [
        ("links.landed_at > allegations", "links.landed_at >= allegations", "a known record counts as later evidence"),
        (
            "later_links.built_at >= extracts",
            "later_links.built_at > extracts",
            "an extract that had just landed was not known",
        ),
        ("    where not places.was_published\n", "", "published places have later evidence, too"),
        ("links.role = 'suspect'\n", "links.role is not null\n", "a victim's link is a suspect's"),
        ("        and not links.is_deleted\n", "", "a withdrawn link was known"),
        ("or (suspect_versions.status is null and statuses.is_default)", "", "no status counts for nothing"),
        (
            "when known.has_counted then 'changed_record'",
            "when false then ''",
            "what may have counted is a status change",
        ),
    ],
    "models/intermediate/corrections/int_corrected_people.sql": [
        ("built_at < extracts", "built_at <= extracts", "a known record counts as changed"),
        ("where was_published <> is_listed", "where true", "everybody is corrected"),
    ],
    "models/marts/history/list_corrections.sql": [
        (
            "places.method <> builds.method then 'rule'",
            "places.method <> builds.method then null",
            "a method is no rule",
        ),
        ("kinds.harm_days desc", "kinds.harm_days asc", "the kind with least harm is the reason"),
        (
            "case when places.is_listed and kinds.reason = 'changed_record' then 1 else 0 end asc",
            "1 asc",
            "a changed record goes before a late report",
        ),
        (
            "- in_order.harm_days_later <= lines",
            "- in_order.harm_days_later < lines",
            "a person on the cut-off is there without the late report",
        ),
        ("(places.is_listed and people.has_merged)", "people.has_merged", "any merge removes"),
        (" or people.has_merged or people.has_changed", "", "a changed person is ignored"),
        ("own_reasons.code_version <> builds.code_version", "true", "an unknown reason counts as a rule"),
    ],
    "models/marts/list/top_100.sql": [
        ("    where is_gravest\n", "", "every allegation is the gravest"),
        (
            "case when members.was_listed then members",
            "case when true then members",
            "a rank below the cut-off is remembered",
        ),
        ("            ranked.list_date = members.list_date\n            and ", "            ", "months of any list"),
        ("ranked.is_current and ranked.is_listed", "ranked.is_current", "everybody is on the list"),
        ("ranked.is_current and ranked.is_listed", "ranked.is_listed", "earlier lists are on the list"),
        ("ranked.harm_days - lines", "lines.line_harm_days - lines", "everybody has the harm of the cut-off"),
    ],
    "models/intermediate/firmness/int_redrawn_offenders.sql": [
        (
            ">= lines.line_harm_days",
            "> lines.line_harm_days",
            "a person with exactly the harm of the cut-off is not redrawn",
        ),
        ("{{ var('redraw_up_to') }}", "1", "only people who reach the cut-off are redrawn"),
        ("<= {{ var('redraw_at_least') }}", "< {{ var('redraw_at_least') }}", "one place less is always redrawn"),
        ("lines.list_date is null\n            or ", "", "nobody is redrawn if the list has no cut-off"),
        ("ranked.is_current\n        and ", "", "people of earlier lists are redrawn"),
    ],
    "models/intermediate/firmness/int_redrawn_harm.sql": [
        ("draws.digits >= poisson", "draws.digits > poisson", "digits that equal a bound are drawn less often"),
        ("|| '|' || cast(blocks.number as string)", "", "every eight redraws are the same"),
        ("|| '|' || allegations.crime_ref", "", "all allegations of a person are drawn together"),
        ("|| '|' || allegations.offender_key\n", "\n", "all people in a crime are drawn together"),
        ("positions.number + 1 as redraw", "positions.number as redraw", "redraws are numbered from zero"),
        ("* positions.number + 1, {{", "* positions.number + 2, {{", "draws are other digits"),
        ("counted.list_date = offenders", "counted.list_date <= offenders", "allegations of other dates are drawn"),
        (
            "coalesce(drawn.harm_days, 0)",
            "coalesce(drawn.harm_days, 1)",
            "a person without a drawn allegation has harm",
        ),
    ],
    "models/marts/firmness/rank_uncertainty.sql": [
        ("    where is_gravest\n", "", "every allegation is the gravest"),
        ("redraws_listed > places.redraws", "redraws_listed >= places.redraws", "half of the redraws are most of them"),
        (
            "order by harm_days desc, harm_rank asc",
            "order by harm_days asc, harm_rank asc",
            "the person with least harm is first",
        ),
        ("harm_days desc, harm_rank asc", "harm_days desc, harm_rank desc", "equal people are in the opposite order"),
        ("in_order.place_among_redrawn + ahead.people", "in_order.place_among_redrawn", "only the redrawn have places"),
        (
            "over (order by harm_days desc) - sum(people)",
            "over (order by harm_days desc)",
            "equals who are not redrawn are ahead",
        ),
        ("placed.place <= rules", "placed.place < rules", "the last place is not listed"),
        ("percentile_disc(0.05)", "percentile_disc(0.025)", "the best redraw of forty is enough"),
        ("percentile_disc(0.05)", "percentile_disc(0.06)", "two redraws of forty are not enough"),
        ("percentile_disc(0.95)", "percentile_disc(0.92)", "three redraws of forty lie beyond"),
        ("percentile_disc(0.95)", "percentile_disc(0.96)", "one redraw of forty lies beyond"),
        (
            "ranked.is_listed and not evidence",
            "not evidence",
            "people below the cut-off have a place without the allegation",
        ),
        (
            "and not evidence.is_decisive",
            "and evidence.is_decisive",
            "the decisive allegation is shown as not decisive",
        ),
        ("    where ranked.is_current and offenders", "    where offenders", "people of earlier lists are ahead"),
    ],
    "models/marts/firmness/rank_boundary.sql": [
        ("list_size - {{ var('places_around_line') }}", "list_size", "only the last place above the cut-off is shown"),
        ("list_size + {{ var('places_around_line') }}", "list_size", "no place below the cut-off is shown"),
        ("tied.offender_key is not null\n        or ", "", "people tied at the cut-off are left out"),
        ("            and rules.list_size = last_listed.harm_rank\n", "", "a tie below the cut-off is one across it"),
        ("shown.harm_rank + 1 = next", "shown.harm_rank - 1 = next", "places are compared with the one before"),
        ("    where is_current\n", "", "places of other dates are shown"),
    ],
    "models/marts/history/list_history.sql": [
        ("is_monthly and is_listed", "is_listed", "lists inside a month are history"),
        ("is_monthly and is_listed", "is_monthly", "people below the cut-off are in the history"),
    ],
    "models/marts/list/offender_people.sql": [
        ("is_current or (is_monthly and is_listed)", "true", "everybody ever ranked has names"),
        ("is_current or (is_monthly and is_listed)", "is_current", "people once listed have no names"),
        ("is_current or (is_monthly and is_listed)", "is_listed", "people below the cut-off have no names"),
    ],
    "models/marts/list/top_100_evidence.sql": [
        ("listed.is_current and listed.is_listed", "listed.is_current", "the evidence of everybody is the list's"),
        ("listed.is_current and listed.is_listed", "listed.is_listed", "evidence of people once listed is the list's"),
    ],
    "models/marts/list/offender_evidence.sql": [
        (
            "counts_until < {{ next",
            "counts_until <= {{ next",
            "an allegation that counts on the next list is shown as leaving",
        ),
        ("coalesce(allegations.area_code, 'unknown')", "allegations.area_code", "an unknown area is null"),
        ("counted.is_current and ranked.is_current", "ranked.is_listed is not null", "evidence of other dates"),
        (
            "ranked.is_listed and {{ falls_off_list('without'",
            "{{ falls_off_list('without'",
            "people below the cut-off have a place to lose",
        ),
        (
            "ranked.is_listed and {{ falls_off_list('left_over'",
            "{{ falls_off_list('left_over'",
            "people below the cut-off have a place that ends",
        ),
        ("falls_off_list('left_over'", "falls_off_list('without'", "as time passes, only one allegation leaves"),
    ],
    "models/intermediate/lists/int_list_cutoffs.sql": [
        ("order by harm_rank", "order by harm_rank desc", "the cut-off is the last ranked person"),
        ("where not is_listed", "where is_listed", "the cut-off is the first listed person"),
    ],
    "models/intermediate/people/int_custody_on_list_dates.sql": [
        ("custody_from <= list_dates", "custody_from < list_dates", "the first day is no custody"),
        ("custody_to > list_dates", "custody_to >= list_dates", "the day of release is custody"),
        ("custody.custody_to is null or ", "", "custody without an end is no custody"),
        ("select distinct", "select", "two spells are two people"),
        ("custody.force = identities.force", "custody.force is not null", "custody of another force's person"),
    ],
    "models/marts/harm/crime_harm_monthly.sql": [
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
        ("series = 'current' and is_detected", "is_detected", "detected police work is among the public's"),
        (
            "coalesce(summed.detected_harm_days, 0) / nullif(summed.harm_days, 0)",
            "coalesce(coalesce(summed.detected_harm_days, 0) / nullif(summed.harm_days, 0), 0)",
            "where there is no harm a share of it is detected",
        ),
        (
            "coalesce(crimes.area_code, 'unknown')",
            "coalesce(crimes.area_code, '')",
            "crimes without an area have no name",
        ),
        ("months.crimes >= usual", "months.crimes > usual", "a tenth of the usual crimes is no month"),
        ("median(crimes) / 10", "median(crimes) / 100", "stray reports are a month"),
        (
            "last_day(summed.month) <= ",
            "last_day(summed.month) < ",
            "an extract of the last day does not complete a month",
        ),
        ("min(forces.newest", "max(forces.newest", "a month is complete while a force is behind"),
        ("least(rules.list_date, ", "least(date '9999-12-31', ", "a month is complete that the list date cuts"),
    ],
    "models/intermediate/lists/int_harm_concentration.sql": [
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
        ("(order by harm_rank)", "(order by harm_days desc)", "all equal people are in or none"),
        (
            "shares.share_of = 'offenders'\n",
            "shares.share_of is not null\n",
            "a share of harm is one of offenders, too",
        ),
        ("left join summed", "inner join summed", "a share without people has no row"),
        ("nullif(max(harm_days_in_all), 0)", "nullif(max(harm_days_in_all), 0) * 100", "the share of harm in per cent"),
    ],
    "models/marts/list/unclassified_allegations.sql": [
        ("reported_on > list_dates", "reported_on >= list_dates", "the window has a day more at its start"),
        ("not allegations.is_known_offence", "true", "known offences are unclassified"),
    ],
    "models/intermediate/firmness/int_leave_one_out_scores.sql": [
        ("coalesce(harm_days, -1) desc", "coalesce(harm_days, -1) asc", "the least serious allegation is the gravest"),
        ("coalesce(harm_days, -1)", "coalesce(harm_days, 99999)", "an unweighted allegation is the gravest"),
        ("coalesce(harm_days, -1)", "coalesce(harm_days, 0)", "a weight of zero is no weight"),
        ("-1) desc, reported_on desc", "-1) desc, reported_on asc", "among equals, the first reported is the gravest"),
        ("when allegations_of_this_woman = 1", "when true", "a woman leaves although another allegation names her"),
        (
            "when place_from_latest = 1 then 1",
            "when true then 1",
            "a woman leaves before the last allegation that names her",
        ),
        ("ranked.harm_days - in_order.harm_days_gone", "ranked.harm_days", "no harm ever runs out"),
        ("ranked.female_victims - in_order.female_victims_gone", "ranked.female_victims", "no woman is ever gone"),
        ("ranked.allegations - in_order.allegations_gone", "ranked.allegations", "no allegation is ever gone"),
        ("ranked.latest_reported_on > in_order.reported_on", "true", "the latest report never leaves"),
    ],
    "models/intermediate/method/int_build.sql": [
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
        ("as hugeint) * 1152921504606846976", "as hugeint)", "the later extract wins"),
        ("        + cast(extracts.extract_number as hugeint) * 68719476736", "", "the extract is ignored"),
        ("        + source.row_number as", "        as", "the row is ignored"),
        ("by extract_id) as extract_number", "by extract_id desc) as extract_number", "the earlier extract wins"),
        (", max(newest.version_number)", ", min(newest.version_number)", "the oldest version wins"),
    ],
    "models/intermediate/changes/int_touched_records.sql": [
        ("touched.force = person_merges.force", "touched.force is not null", "merges of another force touch a record"),
        (
            "touched.person_ref = person_merges.merged_into_ref",
            "touched.person_ref = person_merges.person_ref",
            "records merged into a touched record are not touched",
        ),
        ("where touched.step < 10000", "where touched.step < 2", "a chain of merges is left as it was"),
        ("on people.extract_id = new_extracts", "on people.extract_id <> new_extracts", "old records are touched"),
        (
            "on merge_versions.extract_id = new_extracts",
            "on merge_versions.extract_id <> new_extracts",
            "old merges touch",
        ),
    ],
    "models/intermediate/changes/int_touched_crimes.sql": [
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
    "models/intermediate/changes/int_touched_offenders.sql": [
        ("involvement_versions.role = 'suspect'", "true", "victims have scores"),
        (
            "involvement_versions.crime_digest in (select touched_crimes.crime_digest from touched_crimes)",
            "true",
            "suspects of every crime are",
        ),
        (
            "in ['identities', 'identities_before']",
            "in ['identities']",
            "the former person of a record keeps the score",
        ),
        (
            "in ['identities', 'identities_before']",
            "in ['identities_before']",
            "the current person of a record gets no score",
        ),
        ("on custody_versions.extract_id =", "on custody_versions.extract_id <>", "new custody is not seen"),
    ],
    "models/staging/ledger/stg_new_extracts.sql": [
        ("built_extracts.extract_id is null", "true", "every extract is new each time"),
        ("        and false\n", "", "everything is touched in a full build"),
    ],
    **{
        f"models/staging/records/stg_{table}.sql": [("where not is_deleted", "where true", f"deleted {table} count")]
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
        ("'^[0-9]{3,5}$'", "'^[0-9]{4,5}$'", "a code without its two leading zeros is unknown"),
        (
            "'126', '139', '802', '814')",
            "'126', '139', '802')",
            "a recorded-crime code of three digits becomes another offence",
        ),
        ("'^[0-9]{1,3}/[0-9]{1,2}$'", "'^[0-9]{3}/[0-9]{2}$'", "a short code with a slash is unknown"),
        ("else upper({{ code }})", "else {{ code }}", "a recorded-crime code in small letters is unknown"),
    ],
}

_V100 = (
    "true,false,cchi_2020_supplemented,lowest,365,M,F,in,named arrested charged convicted,"
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

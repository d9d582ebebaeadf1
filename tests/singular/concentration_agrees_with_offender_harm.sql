{%- set parts = ['harm_days', 'harm_days_named', 'harm_days_charged', 'harm_days_convicted'] -%}
with asked as (

    select
        coalesce(wanted.share_of, answers.share_of) as share_of,
        coalesce(wanted.per_cent, answers.per_cent) as per_cent,
        wanted.share_of is not null and answers.share_of is not null as is_answered,
        answers.offenders,
        answers.share_of_offenders,
        answers.share_of_harm,
        answers.{{ parts | join(',\n        answers.') }}
    from {{ ref('concentration_shares') }} as wanted
    full outer join {{ ref('harm_concentration') }} as answers
        on
            wanted.share_of = answers.share_of
            and wanted.per_cent = answers.per_cent

),

ranked as (

    select * from {{ ref('offender_harm') }}

),

everyone as (

    select
        count(*) as offenders,
        coalesce(sum(harm_days), 0) as harm_days
    from ranked

),

counted as (

    select
        asked.share_of,
        asked.per_cent,
        {% for part in parts -%}
        sum(ranked.{{ part }}) as {{ part }},
        {% endfor -%}
        sum(case when ranked.harm_rank < asked.offenders then ranked.harm_days else 0 end) as harm_days_but_for_the_last
    from asked
    inner join ranked
        on asked.offenders >= ranked.harm_rank
    group by asked.share_of, asked.per_cent

),

final as (

    select
        asked.share_of,
        asked.per_cent,
        asked.offenders
    from asked
    cross join everyone
    left join counted
        on
            asked.share_of = counted.share_of
            and asked.per_cent = counted.per_cent
    where
        not asked.is_answered
        {%- for part in parts %}
        or asked.{{ part }} <> coalesce(counted.{{ part }}, 0)
        {%- endfor %}
        or asked.share_of_offenders is distinct from nullif(asked.offenders, 0) / nullif(everyone.offenders, 0)
        or asked.share_of_harm is distinct from
        case when asked.offenders > 0 then asked.harm_days end / nullif(everyone.harm_days, 0)
        or asked.offenders <> case
            when asked.share_of = 'offenders' then ceil(asked.per_cent * everyone.offenders / 100)
            when everyone.harm_days = 0 then 0
            else asked.offenders
        end
        or (
            asked.share_of = 'harm'
            and (
                asked.harm_days * 100 < asked.per_cent * everyone.harm_days
                or counted.harm_days_but_for_the_last * 100 >= asked.per_cent * everyone.harm_days
            )
        )

)

select * from final

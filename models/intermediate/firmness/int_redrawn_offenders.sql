with ranked as (

    select * from {{ ref('int_ranked_offenders') }}

),

lines as (

    select * from {{ ref('int_list_cutoffs') }}

),

final as (

    select
        ranked.list_date,
        ranked.offender_key,
        ranked.harm_rank
    from ranked
    left join lines
        on ranked.list_date = lines.list_date
    where
        ranked.is_current
        and (
            lines.list_date is null
            or ranked.harm_rank <= {{ var('redraw_at_least') }}
            or ranked.harm_days * {{ var('redraw_up_to') }} >= lines.line_harm_days
        )

)

select * from final

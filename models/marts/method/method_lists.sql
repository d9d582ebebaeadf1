with ranks as (

    select * from {{ ref('int_method_ranks') }}

),

listed as (

    select *
    from ranks
    where is_listed and turned_rule is null

),

published as (

    select *
    from ranks
    where is_published

),

final as (

    select
        cast(listed.list_date as date) as list_date,
        cast(listed.method as string) as method,
        cast(listed.method_rank as integer) as method_rank,
        cast(listed.offender_key as string) as offender_key,
        cast(listed.score as double) as score,
        cast(listed.allegations as integer) as allegations,
        cast(listed.female_victims as integer) as female_victims,
        cast(listed.is_tied as boolean) as is_tied,
        cast(published.method_rank as integer) as harm_rank,
        cast(coalesce(published.is_listed, false) as boolean) as is_on_published_list,
        cast(count(*) over (partition by listed.offender_key) as integer) as listed_by_methods
    from listed
    left join published
        on listed.offender_key = published.offender_key

)

select * from final

-- One row: how many rows a Parquet file with canonical columns and types has, and how many of them aren't
-- canonical as they stand (to be quarantined, or with a default to fill in).
with stored as (
    select * from source
),

final as (
    select
        count(*) as rows,
        count(*) filter (where not coalesce(
            trim(event_id) <> ''
            and trim(customer_id) <> ''
            and bounded(ts) is not null
            and type in ('behavioral', 'attribute_change', 'external_event', 'time_based')
            and name is not null
            and (name <> '' or type <> 'attribute_change')
            and is_object(properties)
            and not has_non_finite(properties),
            false
        )
        or not coalesce(isfinite(value), true)
        or not coalesce(is_object(attributes) and not has_non_finite(attributes), attributes is null)
        or (received_at is not null and bounded(received_at) is null)) as others
    from stored
)

select * from final

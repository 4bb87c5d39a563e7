-- One row per staged event; one that is too far ahead of its loading is bad too (semantics.md §4). Of text, staging has said
-- so and kept the row; what was read where it lies, in Parquet, has no text.
create or replace temp view judged as
with
    compared as (select *, reason is null and ts > getvariable('future_limit') as is_future from staged),

    final as (
        select * exclude (is_future) replace (
            coalesce(reason, future_fault(ts)) as reason,
            case
                when is_future then to_json({
                    event_id: event_id,
                    customer_id: customer_id,
                    ts: ts,
                    type: type,
                    name: name,
                    value: value,
                    properties: properties,
                    attributes: attributes
                })::varchar
                else row
            end as row
        )
        from compared
    )

select * from final

-- One row per profile update an event carries; ordinal 0 is the change an attribute_change event itself is. Who somebody is
-- (customer_id) is no attribute; since when they are a customer (created_at) is said by the event that makes them known, and by
-- files.
create or replace temp view fact_writes as
with
    events as (select * from fact_updating),

    own as (
        select
            event_id,
            customer_id,
            ts,
            "at",
            acts,
            0::bigint as ordinal,
            name as attribute,
            coalesce(json_extract(properties, '$.new_value')::varchar, 'null') as value
        from events
        where type = 'attribute_change' and name not in ('customer_id', 'created_at')
    ),

    carried as (
        select
            events.event_id,
            events.customer_id,
            events.ts,
            events."at",
            events.acts,
            row_number() over (partition by events.event_id order by entry.key) as ordinal,
            entry.key as attribute,
            entry.value::varchar as value
        from events, json_each(events.attributes) as entry
        where events.attributes <> '{}' and entry.key not in ('customer_id', 'created_at')
    ),

    final as (
        select * from own
        union all
        select * from carried
    )

select * from final

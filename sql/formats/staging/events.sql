-- One row per input row: a canonical event (reason is null), or the reason to quarantine it and the row.
-- A name may be absent (a trigger without its own key accepts every name of its type), except of an attribute.
with judged as (
    select
        * exclude (name, properties),
        coalesce(name, '') as name,
        coalesce(properties, '{}') as properties,
        case
            when fault is not null then fault
            when customer_fault is not null then customer_fault
            when event_fault is not null then event_fault
            when ts is null then coalesce('bad_time: ' || left(ts_given, 100), 'no_time')
            when type is null or not is_type(type)
                then 'bad_type: ' || coalesce(left(type, 100), 'none')
            when type = 'attribute_change' and coalesce(name, '') = '' then 'no_name'
            when value is null and value_given is not null and try_cast(value_given as double) is null
                then 'bad_value: ' || left(value_given, 100)
            when properties is null and properties_given is not null
                then 'bad_properties: ' || left(properties_given, 100)
            when attributes is null and attributes_given is not null
                then 'bad_attributes: ' || left(attributes_given, 100)
            when names_tags(attributes) or (type = 'attribute_change' and name = 'tags') then tags_fault()
            when received_at is null and received_given is not null
                then 'bad_time: received_at ' || left(received_given, 100)
            else future_fault(ts)
        end as reason
    from typed
),

final as (
    select
        line,
        reason,
        quarantined_row(reason, row) as row,
        anonymous,
        case
            when event_id is null and reason is null then derived_id(
                customer_id, ts, type, name, value, canonical_object(properties), canonical_object(attributes)
            )
            else event_id
        end as event_id,
        -- By the hash of semantics 1, which took the object's keys in order at the top only, and no own fields.
        case
            when older_properties is not null and event_id is null and reason is null then derived_id(
                customer_id, ts, type, name, value, sorted_object(older_properties), sorted_object(attributes)
            )
        end as older_id,
        customer_id,
        ts,
        type,
        name,
        value,
        properties,
        attributes,
        received_at
    from judged
)

select * from final

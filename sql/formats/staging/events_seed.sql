-- One row per input row in the seed shape (event_type, customer_id, action | changed_attribute | source |
-- trigger_time, timestamp, …), its fields as text and raw JSON under their canonical names.
with read as (
    select
        *,
        fields_of(body, '{
            "event_id": "VARCHAR", "customer_id": "VARCHAR", "timestamp": "VARCHAR", "event_type": "VARCHAR",
            "action": "VARCHAR", "changed_attribute": "VARCHAR", "source": "VARCHAR", "trigger_time": "VARCHAR",
            "value": "VARCHAR", "order_total": "VARCHAR", "total": "VARCHAR", "revenue": "VARCHAR", "cart_value": "VARCHAR",
            "attributes": "JSON", "received_at": "VARCHAR"
        }') as field
    from lines
),

fields as (
    select * replace (unread(fault, field, body) as fault, case when field is not null then body end as body)
    from read
),

named as (
    select
        *,
        case field.event_type
            when 'behavioral' then 'action'
            when 'attribute_change' then 'changed_attribute'
            when 'external_event' then 'source'
            when 'time_based' then 'trigger_time'
        end as name_field,
        number_of(field.value) as number
    from fields
),

final as (
    select
        line,
        row,
        fault,
        exact_id(field.event_id, body, 'event_id') as event_id,
        exact_id(field.customer_id, body, 'customer_id') as customer_id,
        field.timestamp as ts,
        field.event_type as type,
        case name_field
            when 'action' then field.action
            when 'changed_attribute' then field.changed_attribute
            when 'source' then field.source
            when 'trigger_time' then field.trigger_time
        end as name,
        coalesce(
            number,
            number_of(field.order_total),
            number_of(field.total),
            number_of(field.revenue),
            number_of(field.cart_value)
        )::varchar as value,
        json_merge_patch(
            body,
            '{"event_id": null, "customer_id": null, "timestamp": null, "event_type": null,
              "attributes": null, "received_at": null}',
            case when name_field is null then '{}' else json_object(name_field, null) end,
            case when number is null then '{}' else '{"value": null}' end
        ) as properties,
        false as anonymous,
        properties as older_properties,
        field.attributes,
        field.received_at
    from named
)

select * from final

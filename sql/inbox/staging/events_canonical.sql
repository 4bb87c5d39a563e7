-- One row per input row in the canonical shape, its fields as text and raw JSON. Fields beyond the canonical ones are
-- properties too; an entry of `properties` wins over one of them.
with fields as (
    select
        *,
        json_transform(body, '{
            "event_id": "VARCHAR", "customer_id": "VARCHAR", "ts": "VARCHAR", "type": "VARCHAR",
            "name": "VARCHAR", "value": "VARCHAR", "properties": "JSON", "attributes": "JSON",
            "received_at": "VARCHAR"
        }') as field,
        json_merge_patch(body, '{
            "event_id": null, "customer_id": null, "ts": null, "type": null, "name": null, "value": null,
            "properties": null, "attributes": null, "received_at": null}')::varchar as further
    from lines
),

final as (
    select
        line,
        row,
        fault,
        unnest(struct_update(field, properties := case
            when further = '{}' or not_object(field.properties) is not null then field.properties
            else merged(further, coalesce(object_of(field.properties), '{}'))::json
        end))
    from fields
)

select * from final

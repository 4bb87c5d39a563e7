-- One row per input row in the canonical shape, its fields as text and raw JSON. Fields beyond the canonical ones are
-- properties too; an entry of `properties` wins over one of them.
with read as (
    select
        *,
        fields_of(body, '{
            "event_id": "VARCHAR", "customer_id": "VARCHAR", "ts": "VARCHAR", "type": "VARCHAR",
            "name": "VARCHAR", "value": "VARCHAR", "properties": "JSON", "attributes": "JSON",
            "received_at": "VARCHAR"
        }') as field
    from lines
),

fields as (
    select
        * replace (unread(fault, field, body) as fault, case when field is not null then body end as body),
        given_object(field.properties) as given_own
    from read
),

-- Apart, because what a macro's argument says is planned and computed wherever the macro names it.
objects as (
    select
        *,
        without_non_finite(given_own) as own,
        not_object(field.properties) as no_object,
        json_merge_patch(body, '{
            "event_id": null, "customer_id": null, "ts": null, "type": null, "name": null, "value": null,
            "properties": null, "attributes": null, "received_at": null}')::varchar as further
    from fields
),

final as (
    select
        line,
        row,
        fault,
        false as anonymous,
        field.properties as older_properties,
        unnest(struct_update(
            field,
            event_id := exact_id(field.event_id, body, 'event_id'),
            customer_id := exact_id(field.customer_id, body, 'customer_id'),
            properties := case
                when further = '{}' or no_object is not null then field.properties
                else merged(further, coalesce(own, '{}'))::json
            end
        ))
    from objects
)

select * from final

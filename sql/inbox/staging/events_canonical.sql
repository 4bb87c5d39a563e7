-- One row per input row in the canonical shape, its fields as text and raw JSON.
with fields as (
    select
        *,
        json_transform(body, '{
            "event_id": "VARCHAR", "customer_id": "VARCHAR", "ts": "VARCHAR", "type": "VARCHAR",
            "name": "VARCHAR", "value": "VARCHAR", "properties": "JSON", "attributes": "JSON",
            "received_at": "VARCHAR"
        }') as field
    from lines
),

final as (
    select line, row, fault, unnest(field) from fields
)

select * from final

-- One row per input row: what came of a customer of an experiment, as text (reason is null), or the reason to refuse the row.
with read as (
    select
        *,
        fields_of(body, '{
            "customer_id": "VARCHAR", "group": "VARCHAR", "outcome": "VARCHAR", "value": "VARCHAR", "before": "VARCHAR"
        }') as field
    from lines
),

fields as (
    select * replace (unread(fault, field, body) as fault)
    from read
),

named as (
    select *, id_of(exact_id(field.customer_id, body, 'customer_id')) as customer_id
    from fields
),

final as (
    select
        line,
        coalesce(fault, id_fault('customer_id', customer_id, text_of(field.customer_id))) as reason,
        quarantined_row(reason, row) as row,
        customer_id,
        text_of(field."group") as "group",
        text_of(field.outcome) as outcome,
        text_of(field."value") as "value",
        text_of(field."before") as "before"
    from named
)

select * from final

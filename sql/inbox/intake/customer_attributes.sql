-- One row per attribute of a customer's first profile row, set before all time: what events said stays.
insert into attributes (customer_id, attribute, value, set_at)
with
    known as (select customer_id from profiles where known),

    given as (
        select batch.customer_id, entry.key as attribute, entry.value::varchar as value
        from batch, json_each(batch.attributes) as entry
    ),

    final as (
        select given.customer_id, given.attribute, given.value, null::timestamptz as set_at
        from given
        anti join known using (customer_id)
        anti join attributes using (customer_id, attribute)
        where given.value <> 'null'
    )

select * from final

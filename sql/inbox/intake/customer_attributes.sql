-- One row per attribute of a customer's first row of a file, set before all time: what events said stays.
insert into attributes (customer_id, attribute, value, set_at)
with
    met as (select customer_id from profiles where from_file),

    final as (
        select customer_id, attribute, value, null::timestamptz as set_at
        from given_attributes
        anti join met using (customer_id)
        anti join attributes using (customer_id, attribute)
        where value <> 'null'
    )

select * from final

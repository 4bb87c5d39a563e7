-- One row per attribute that a customer of the bucket has.
with
    listed as (
        select owners.customer_id, entry.key as attribute, entry.value::varchar as value
        from bucket_customers as owners, json_each(owners.attributes) as entry
    ),

    final as (
        select customer_id, attribute, value, null::timestamptz as set_at
        from listed
        where value <> 'null'
    )

select * from final

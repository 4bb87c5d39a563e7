-- One row per attribute that workflows see ($attributes, at $paths) and a customer of the bucket has.
with
    listed as (
        select
            customer_id,
            unnest($attributes::varchar[]) as attribute,
            unnest(json_extract(attributes, $paths::varchar[])::varchar[]) as value
        from bucket_customers
    ),

    final as (
        select customer_id, attribute, value, null::timestamptz as set_at
        from listed
        where value <> 'null'
    )

select * from final

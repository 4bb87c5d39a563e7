-- One row per attribute that workflows see ($attributes, at $paths) and a customer of the bucket has; the columns for e-mail and
-- time zone are attributes like others, and win over an entry of that name.
with
    listed as (
        select
            customer_id,
            unnest($attributes::varchar[]) as attribute,
            unnest(json_extract(attributes, $paths::varchar[])::varchar[]) as entry,
            case attribute when 'email' then email when 'timezone' then timezone end as told
        from bucket_customers
    ),

    final as (
        select customer_id, attribute, coalesce(to_json(told)::varchar, entry) as value, null::timestamptz as set_at
        from listed
        where value <> 'null'
    )

select * from final

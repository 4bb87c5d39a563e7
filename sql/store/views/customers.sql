-- One row per customer ever seen; known is false for one that only events mention, and none of them introduces.
with
    profiles as (select * from profiles),

    tags as (select * from tags),

    owned as (select * from attributes),

    attributes_by_customer as (
        select customer_id, attributes_object(attribute, value) as attributes
        from owned
        where among_attributes(attribute, set_at)
        group by customer_id
    ),

    emails as (select customer_id, value ->> '$' as email from owned where attribute = 'email'),

    zones as (select customer_id, value ->> '$' as timezone from owned where attribute = 'timezone'),

    tags_by_customer as (
        select customer_id, list(tag order by tag) as tags
        from tags
        group by customer_id
    ),

    final as (
        select
            profiles.customer_id,
            emails.email,
            profiles.created_at,
            coalesce(attributes_by_customer.attributes, '{}') as attributes,
            coalesce(tags_by_customer.tags, []::varchar[]) as tags,
            zones.timezone,
            profiles.known
        from profiles
        left join attributes_by_customer using (customer_id)
        left join emails using (customer_id)
        left join zones using (customer_id)
        left join tags_by_customer using (customer_id)
    )

select * from final

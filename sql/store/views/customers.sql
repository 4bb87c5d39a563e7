-- One row per customer ever seen; known is false for one that only events mention.
with
    profiles as (select * from profiles),

    tags as (select * from tags),

    attributes_by_customer as (
        select customer_id, attributes_object(attribute, value) as attributes
        from attributes
        group by customer_id
    ),

    tags_by_customer as (
        select customer_id, list(tag order by tag) as tags
        from tags
        group by customer_id
    ),

    final as (
        select
            profiles.customer_id,
            profiles.email,
            profiles.created_at,
            coalesce(attributes_by_customer.attributes, '{}') as attributes,
            coalesce(tags_by_customer.tags, []::varchar[]) as tags,
            profiles.timezone,
            profiles.known
        from profiles
        left join attributes_by_customer using (customer_id)
        left join tags_by_customer using (customer_id)
    )

select * from final

-- One row per known customer, with what conditions look at: fields, tags, and of the attributes those named in $names (JSON).
with
    owned as (
        select customer_id, attributes_object(attribute, value) as attributes
        from attributes
        where attribute in $names
        group by customer_id
    ),

    tagged as (
        select customer_id, list(tag order by tag) as tags
        from tags
        where $with_tags
        group by customer_id
    ),

    final as (
        select
            profiles.customer_id,
            profiles.created_at,
            owned.attributes,
            null::varchar as trigger_properties,
            tagged.tags,
            $now::timestamptz as at
        from profiles
        left join owned using (customer_id)
        left join tagged using (customer_id)
        where profiles.known
    )

select * from final
order by customer_id

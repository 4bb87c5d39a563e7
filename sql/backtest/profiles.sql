-- One row per customer: the attributes as a JSON object and the sorted tags, as of the end.
with
    attributes as (select * from final_attributes where value is not null and value <> 'null'),

    attributes_by_customer as (
        select
            customer_id,
            '{' || string_agg(to_json(attribute) || ':' || value, ',' order by attribute) || '}' as attributes
        from attributes
        group by customer_id
    ),

    tags_by_customer as (
        select customer_id, list(tag order by tag) as tags
        from final_tags
        group by customer_id
    ),

    owners as (
        select customer_id from final_customers
        union
        select customer_id from attributes_by_customer
        union
        select customer_id from tags_by_customer
    ),

    final as (
        select
            owners.customer_id,
            coalesce(attributes_by_customer.attributes, '{}') as attributes,
            coalesce(tags_by_customer.tags, []::varchar[]) as tags
        from owners
        left join attributes_by_customer using (customer_id)
        left join tags_by_customer using (customer_id)
    )

select * from final
order by customer_id

-- One row per customer: the attributes as a JSON object and the sorted tags, as of the end. An object that
-- nothing changed stays as it was given.
with
    customers as (select customer_id, attributes from bucket_customers),

    changed as (select customer_id, attribute, value from changed_attributes),

    changing as (select distinct customer_id from changed),

    unchanged as (
        select * from customers
        anti join changing using (customer_id)
        where not contains(attributes, 'null')
    ),

    others as (select * from customers anti join unchanged using (customer_id)),

    given as (
        select others.customer_id, entry.key as attribute, entry.value::varchar as value
        from others, json_each(others.attributes) as entry
    ),

    merged as (
        select * from given
        anti join changed using (customer_id, attribute)
        union all
        select * from changed
    ),

    rebuilt as (
        select
            customer_id,
            '{' || array_to_string(list_transform(
                list_sort(list({name: attribute, entry: to_json(attribute) || ':' || value})), lambda one: one.entry
            ), ',') || '}' as attributes
        from merged
        where value is not null and value <> 'null'
        group by customer_id
    ),

    attributes_by_customer as (
        select * from unchanged
        union all
        select * from rebuilt
    ),

    tags_by_customer as (
        select customer_id, list(tag order by tag) as tags
        from final_tags
        group by customer_id
    ),

    owners as (
        select customer_id from final_customers where known
        union
        select customer_id from rebuilt
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

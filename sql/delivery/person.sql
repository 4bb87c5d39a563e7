-- One row for the known customer $customer, with what rendering and the conditions of rules need; else none.
with
    owned as (select attribute, value from attributes where customer_id = $customer),

    final as (
        select
            profiles.customer_id,
            (select value ->> '$' from owned where attribute = 'email') as email,
            (select coalesce(attributes_object(attribute, value), '{}') from owned) as attributes,
            profiles.created_at,
            (select list(tag order by tag) from tags where tags.customer_id = $customer) as tags
        from profiles
        where profiles.customer_id = $customer
    )

select * from final

-- One row per attribute that a customer of the bucket is given: the columns for e-mail and time zone are attributes like
-- others, and win over an entry of that name.
create or replace temp view given_attributes as
with
    columns as (
        select customer_id, 'email' as attribute, to_json(email)::varchar as value
        from bucket_customers
        where email is not null
        union all
        select customer_id, 'timezone', to_json(timezone)::varchar from bucket_customers where timezone is not null
    ),

    entries as (
        select owners.customer_id, entry.key as attribute, entry.value::varchar as value
        from bucket_customers as owners, json_each(owners.attributes) as entry
    ),

    final as (
        select * from columns
        union all
        select * from entries anti join columns using (customer_id, attribute)
    )

select * from final

-- One row per attribute that a customer of a file is given: its columns for e-mail and time zone are attributes like others,
-- and win over an entry of that name; customer_id and created_at are none.
create or replace temp view given_attributes as
with
    entries as (
        select batch.customer_id, entry.key as attribute, entry.value::varchar as value
        from batch, json_each(batch.attributes) as entry
    ),

    columns as (
        select customer_id, 'email' as attribute, to_json(email)::varchar as value from batch where email is not null
        union all
        select customer_id, 'timezone', to_json(timezone)::varchar from batch where timezone is not null
    ),

    final as (
        select * from columns
        union all
        select * from entries
        anti join columns using (customer_id, attribute)
        where attribute not in ('customer_id', 'created_at')
    )

select * from final

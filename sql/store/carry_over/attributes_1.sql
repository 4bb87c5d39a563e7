-- One row per customer and attribute of a store of version 1: e-mail and time zone become attributes, set before all time.
with
    columns as (
        select customer_id, 'email' as attribute, to_json(email)::varchar as value
        from old.profiles
        where email is not null
        union all
        select customer_id, 'timezone', to_json(timezone)::varchar from old.profiles where timezone is not null
    ),

    final as (
        select customer_id, attribute, value, set_at from old.attributes
        union all
        select columns.*, null::timestamptz as set_at
        from columns
        anti join old.attributes using (customer_id, attribute)
    )

select * from final

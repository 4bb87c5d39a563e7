-- No rows: version 2 of the tables has e-mail and time zone as attributes, set before all time if a file said them.
insert into attributes (customer_id, attribute, value, set_at)
with
    columns as (
        select customer_id, 'email' as attribute, to_json(email)::varchar as value from profiles where email is not null
        union all
        select customer_id, 'timezone', to_json(timezone)::varchar from profiles where timezone is not null
    ),

    final as (
        select columns.*, null::timestamptz as set_at
        from columns
        anti join attributes using (customer_id, attribute)
    )

select * from final;

alter table profiles drop column email;
alter table profiles drop column timezone;
alter table profiles add column from_file boolean;
update profiles set from_file = known;

-- One row per attribute that a customer file changes of a profile that a file said before: an event at load time.
-- What earlier files of the same tick changed counts as the profile's value.
create or replace temp table profile_changes as
with
    met as (select customer_id from profiles where from_file),

    so_far as (
        select customer_id, attribute, arg_max(value, rowid) as value
        from changed_so_far
        group by customer_id, attribute
    ),

    compared as (
        select given_attributes.*, coalesce(so_far.value, attributes.value, 'null') as old_value
        from given_attributes
        semi join met using (customer_id)
        left join attributes using (customer_id, attribute)
        left join so_far using (customer_id, attribute)
    ),

    changed as (
        select *
        from compared
        -- Equal values are no change, nor is a number or boolean that only turns into its own spelling (semantics.md §5).
        where
            value <> old_value
            and canonical_json(value) <> canonical_json(old_value)
            and not (
                json_type(old_value) not in ('VARCHAR', 'ARRAY', 'OBJECT', 'NULL')
                and value = to_json(canonical_json(old_value))
            )
    ),

    final as (
        select
            -- Of two files in one tick the later one's change comes last: events of one instant go by id.
            'profile-' || lpad($batch::varchar, 8, '0') || '-' || left(sha256(customer_id || '|' || attribute), 24)
                as event_id,
            customer_id,
            $now::timestamptz as ts,
            'attribute_change' as type,
            attribute as name,
            null::double as value,
            json_object('old_value', old_value::json, 'new_value', value::json)::varchar as properties,
            null::varchar as attributes,
            null::timestamptz as received_at
        from changed
    )

select * from final
order by customer_id, name

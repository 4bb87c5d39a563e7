-- One row per attribute, but nulls, of customers of whom something changed: as an entry of a JSON object.
with
    changed as (select customer_id, attribute, value from changed_attributes),

    given as (
        select owners.customer_id, entry.key as attribute, entry.value::varchar as value
        from changed_customers as owners, json_each(owners.attributes) as entry
    ),

    merged as (
        select * from given
        anti join changed using (customer_id, attribute)
        union all
        select * from changed
    ),

    final as (
        select customer_id, attribute, to_json(attribute) || ':' || value as entry
        from merged
        where value <> 'null'
    )

select * from final

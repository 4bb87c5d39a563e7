-- One row per event that some workflow may see: of $names, of $types, or one that updates an attribute that workflows
-- see. Of its properties those at $paths apart, as `read`; the value is among them unless a property has that name.
with
    updating as (select event_id from fact_live),

    visible as (
        select *
        from fact_events
        where
            acts
            and (
                list_contains($names::varchar[], name)
                or list_contains($types::varchar[], type)
                or event_id in (select event_id from updating)
            )
    ),

    -- Text is joined, not merged: merging JSON drops nulls, nested ones too.
    valued as (
        select
            * exclude (properties),
            case
                when value is null or coalesce(json_extract(properties, '$.value')::varchar, 'null') <> 'null'
                    then properties
                when json_array_length(json_keys(properties)) = 0 then '{"value":' || to_json(value) || '}'
                else '{"value":' || to_json(value) || ',' || ltrim(substr(ltrim(properties), 2))
            end as properties
        from visible
    ),

    final as (
        select
            event_id,
            customer_id,
            ts,
            "at",
            type,
            name,
            properties,
            case when len($paths::varchar[]) > 0 then json_extract(properties, $paths::varchar[])::varchar[] end as read
        from valued
    )

select * from final

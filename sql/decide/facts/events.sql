-- One row per event that some workflow may see: of $names, of $types, or one that updates an attribute that workflows
-- see. Of its properties those at $paths apart, as `read`; the value is among them unless a property has that name.
with
    looked_for as (
        select event_id, customer_id, ts, "at", type, name, value, properties
        from fact_events
        where acts and (list_contains($names::varchar[], name) or list_contains($types::varchar[], type))
    ),

    only_updating as (
        select event_id, customer_id, ts, "at", type, name, value, properties
        from fact_updating
        where
            acts
            and not (list_contains($names::varchar[], name) or list_contains($types::varchar[], type))
            and event_id in (select event_id from fact_live)
    ),

    visible as (
        select * from looked_for
        union all
        select * from only_updating
    ),

    -- Text is joined, not merged: merging JSON drops nulls, nested ones too. An object without a quote has no entries, and one with
    -- neither that name nor an escape no such entry: then nothing has to be parsed.
    valued as (
        select
            * exclude (properties),
            case
                when value is null then properties
                when
                    (contains(properties, '"value"') or contains(properties, '\'))
                    and coalesce(json_extract(properties, '$.value')::varchar, 'null') <> 'null'
                    then properties
                when not contains(properties, '"') then '{"value":' || to_json(value) || '}'
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

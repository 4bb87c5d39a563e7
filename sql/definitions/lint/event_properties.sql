-- One row per type and name of events since $since, and property that one of them had.
with
    recent as (select type, name, value, properties from events where ts > $since),

    own as (select type, name, unnest(json_keys(properties)) as property from recent),

    final as (
        select distinct type, name, property from own
        union
        -- An event without any property is one of its name, too.
        select distinct type, name, if(value is null, null, 'value') from recent
    )

select * from final

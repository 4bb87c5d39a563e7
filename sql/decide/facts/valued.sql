-- One row per event, its value among its properties unless a property has that name.
-- Text is joined, not merged: merging JSON drops nulls, nested ones too.
select
    * exclude (properties),
    case
        when value is null or coalesce(json_extract(properties, '$.value')::varchar, 'null') <> 'null' then properties
        when json_array_length(json_keys(properties)) = 0 then '{"value":' || to_json(value) || '}'
        else '{"value":' || to_json(value) || ',' || ltrim(substr(ltrim(properties), 2))
    end as properties
from fact_events

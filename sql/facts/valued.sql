-- One row per event, its value among its properties unless a property has that name.
select
    * exclude (properties),
    case
        when value is null then properties
        else json_merge_patch(json_object('value', value), properties)::varchar
    end as properties
from fact_events

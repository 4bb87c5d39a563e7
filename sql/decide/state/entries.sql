-- One row per workflow and active customer who ever entered it: the last entry; `read`: those of its properties at $paths.
select
    *,
    case when len($paths::varchar[]) > 0 then json_extract(properties, $paths::varchar[])::varchar[] end as read
from entries
semi join active_customers using (customer_id)

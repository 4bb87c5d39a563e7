-- One row per execution in flight of active customers; `read`: those of its trigger's properties at $paths.
select
    * exclude (tick_id, held_by),
    case
        when len($paths::varchar[]) > 0 then json_extract(trigger_properties, $paths::varchar[])::varchar[]
    end as read
from executions
semi join active_customers using (customer_id)
where status in ('running', 'paused')

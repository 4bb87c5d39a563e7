-- One row per execution in flight of active customers; `read`: those of its trigger's properties at $paths.
select
    * exclude (tick_id),
    case
        when len($paths::varchar[]) > 0 then json_extract(trigger_properties, $paths::varchar[])::varchar[]
    end as read
from executions
where rowid in (select place from executions_of_active where in_flight)

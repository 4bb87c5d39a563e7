-- One row per UTC day, workflow, version and arm: how many entered then, held out or treated.
--
-- parts: day, workflow_id, version, arm. An execution that was moved to another version counts there.
with
    entered as (
        select
            (entered_at at time zone 'UTC')::date as day,
            workflow_id,
            version,
            if(status = 'held_out', 'held_out', 'treated') as arm,
            sum(sign)::bigint as n
        from counted_executions
        group by all
    ),

    final as (
        select
            json_array(day::varchar, workflow_id, version, arm)::varchar as parts,
            n,
            0::hugeint as total,
            null::timestamptz as first,
            null::timestamptz as last
        from entered
    )

select * from final

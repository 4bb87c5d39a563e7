-- One row per workflow, version, branch, status and place where executions stand: how many there are.
--
-- parts: workflow_id, version, branch, status, step, is_logged; the last two as in the view execution_standing, null of
-- executions that it leaves out. A paused execution is a running one here.
with
    standing as (
        select
            * exclude (step),
            status in ('completed', 'held_out') as is_through,
            coalesce(held_by is not null and (phase = 'due' or status = 'failed'), false) as is_held,
            if(is_through, null, if(is_held, held_by, step)) as step,
            if(is_through, null, is_held or coalesce(phase = 'waiting', false)) as is_logged
        from counted_executions
    ),

    counted as (
        select workflow_id, version, branch, status, step, is_logged, sum(sign)::bigint as n
        from standing
        group by all
    ),

    final as (
        select
            json_array(workflow_id, version, branch, status, step, is_logged::varchar)::varchar as parts,
            n,
            0::hugeint as total,
            null::timestamptz as first,
            null::timestamptz as last
        from counted
    )

select * from final

-- One row per workflow, branch and step, in file order by position: who reached it, went on, waits or left there.
-- Counted over everything: what the view on sums must say.
--
-- entered = passed + waiting_here + left_here; whoever is in a wait counts at the wait (execution_standing). Steps of all
-- versions that have executions are merged by their place; what they are is taken from the newest of these versions.
-- pct_of_entries is of the executions that took the branch.
with
    executions as not materialized (select * from executions where status <> 'held_out'),

    versions_in_use as (
        select workflow_id, version, any_value(workflow_versions.number) as number
        from executions
        left join workflow_versions using (workflow_id, version)
        group by workflow_id, version
    ),

    places as (
        select
            workflow_id,
            branch,
            step,
            arg_max(position, coalesce(number, 0)) as position,
            arg_max(action_type, coalesce(number, 0)) as action_type,
            arg_max(label, coalesce(number, 0)) as label
        from program_steps
        join versions_in_use using (workflow_id, version)
        group by workflow_id, branch, step
    ),

    entries as (
        select workflow_id, branch, count(*) as executions
        from executions
        group by workflow_id, branch
    ),

    -- A step is logged once, but a deferred send when it is deferred, and a wait_for_event when it ends, once more.
    logged as (
        select workflow_id, branch, step, count(*) as logged
        from steps
        where
            outcome not like 'deferred:%'
            and not (action_type = 'wait_for_event' and outcome in ('event', 'timeout'))
        group by workflow_id, branch, step
    ),

    stays as (
        select
            workflow_id,
            branch,
            step,
            count(*) filter (is_logged) as logged,
            count(*) filter (not is_logged) as not_logged,
            count(*) filter (status in ('running', 'paused')) as waiting_here,
            count(*) filter (status = 'converted') as left_here_converted,
            count(*) filter (status = 'exited') as left_here_exited,
            count(*) filter (status = 'failed') as left_here_failed
        from execution_standing
        where step is not null
        group by workflow_id, branch, step
    ),

    final as (
        select
            workflow_id,
            branch,
            step,
            places.position,
            places.action_type,
            places.label,
            coalesce(logged.logged, 0) + coalesce(stays.not_logged, 0) as entered,
            coalesce(logged.logged, 0) - coalesce(stays.logged, 0) as passed,
            coalesce(stays.waiting_here, 0) as waiting_here,
            coalesce(stays.left_here_converted, 0) as left_here_converted,
            coalesce(stays.left_here_exited, 0) as left_here_exited,
            coalesce(stays.left_here_failed, 0) as left_here_failed,
            coalesce(
                stays.left_here_converted + stays.left_here_exited + stays.left_here_failed, 0
            ) as left_here,
            100.0::double * entered / entries.executions as pct_of_entries
        from places
        left join logged using (workflow_id, branch, step)
        left join stays using (workflow_id, branch, step)
        left join entries using (workflow_id, branch)
    )

select * from final
order by workflow_id, branch, position, step

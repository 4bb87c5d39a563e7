-- One row per workflow, branch and step, in file order by position: who reached it, went on, waits or left there.
--
-- entered = passed + waiting_here + left_here; whoever is in a wait counts at the wait (execution_standing). Steps of all
-- versions that have executions are merged by their place; what they are is taken from the newest of these versions.
-- pct_of_entries is of the executions that took the branch.
with
    kept as (select * from sums where n <> 0),

    executions as (
        select
            parts ->> 0 as workflow_id,
            parts ->> 1 as version,
            parts ->> 2 as branch,
            parts ->> 3 as status,
            parts ->> 4 as step,
            parts ->> 5 = 'true' as is_logged,
            n
        from kept
        where name = 'executions' and parts ->> 3 <> 'held_out'
    ),

    steps as (
        select
            parts ->> 0 as workflow_id,
            parts ->> 2 as branch,
            parts ->> 3 as step,
            parts ->> 4 as action_type,
            parts ->> 5 as outcome,
            n
        from kept
        where name = 'steps'
    ),

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
        select workflow_id, branch, sum(n)::bigint as executions
        from executions
        group by workflow_id, branch
    ),

    -- A step is logged once, but a deferred send when it is deferred, and a wait_for_event when it ends, once more.
    logged as (
        select workflow_id, branch, step, sum(n)::bigint as logged
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
            coalesce(sum(n) filter (is_logged), 0)::bigint as logged,
            coalesce(sum(n) filter (not is_logged), 0)::bigint as not_logged,
            coalesce(sum(n) filter (status = 'running'), 0)::bigint as waiting_here,
            coalesce(sum(n) filter (status = 'converted'), 0)::bigint as left_here_converted,
            coalesce(sum(n) filter (status = 'exited'), 0)::bigint as left_here_exited,
            coalesce(sum(n) filter (status = 'failed'), 0)::bigint as left_here_failed
        from executions
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

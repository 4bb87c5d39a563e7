-- One row per workflow, branch, week of entry (its Monday, UTC) and step, in file order by position: how far they came.
--
-- As report_drop_off, of which these are the parts by week: entered = passed + waiting_here + left_here. A step has a row for
-- each week in which somebody took its branch. Scanned: steps once, executions.
with
    treated as not materialized (
        select *, date_trunc('week', entered_at at time zone 'UTC')::date as week
        from executions
        where status <> 'held_out'
    ),

    entries as (
        select workflow_id, branch, week, count(*) as executions
        from treated
        group by workflow_id, branch, week
    ),

    versions_in_use as (
        select workflow_id, version, any_value(workflow_versions.number) as number
        from (select distinct workflow_id, version from treated)
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

    -- A step is logged once, but a deferred send when it is deferred, and a wait_for_event when it ends, once more.
    logged as (
        select
            workflow_id,
            branch,
            step,
            date_trunc('week', entered_at at time zone 'UTC')::date as week,
            count(*) as logged
        from steps
        where
            outcome not like 'deferred:%'
            and not (action_type = 'wait_for_event' and outcome in ('event', 'timeout'))
        group by all
    ),

    stays as (
        select
            workflow_id,
            branch,
            step,
            date_trunc('week', entered_at at time zone 'UTC')::date as week,
            count(*) filter (is_logged) as logged,
            count(*) filter (not is_logged) as not_logged,
            count(*) filter (status in ('running', 'paused')) as waiting_here,
            count(*) filter (status in ('converted', 'exited', 'failed')) as left_here
        from execution_standing
        where step is not null
        group by all
    ),

    final as (
        select
            workflow_id,
            branch,
            week,
            step,
            places.position,
            places.action_type,
            places.label,
            coalesce(logged.logged, 0) + coalesce(stays.not_logged, 0) as entered,
            coalesce(logged.logged, 0) - coalesce(stays.logged, 0) as passed,
            coalesce(stays.waiting_here, 0) as waiting_here,
            coalesce(stays.left_here, 0) as left_here,
            100.0::double * entered / entries.executions as pct_of_entries
        from places
        join entries using (workflow_id, branch)
        left join logged using (workflow_id, branch, step, week)
        left join stays using (workflow_id, branch, step, week)
    )

select * from final
order by workflow_id, branch, week, position, step

-- One row per entry of a workflow whose goal has hits: how long it was watched, and whether it had reached the goal then.
--
-- It is watched until its first hit; else until the goal's window is over, the customer enters again (later hits are that
-- entry's), or the last tick. Times in seconds.
with
    windows as (
        select version, goal_window(definition) as seconds
        from workflow_versions
        where workflow_id = $workflow_id and has_hits(definition)
    ),

    first_hits as (
        select execution_id, min("at") as hit_at from goal_hits where workflow_id = $workflow_id group by execution_id
    ),

    entered as (
        select
            if(executions.status = 'held_out', 'held_out', 'treated') as arm,
            executions.version,
            epoch(first_hits.hit_at) - epoch(executions.entered_at) as reached,
            epoch(lead(executions.entered_at) over customers) - epoch(executions.entered_at) as again,
            epoch((select max(now) from ticks)) - epoch(executions.entered_at) as until_now
        from executions
        left join first_hits using (execution_id)
        where executions.workflow_id = $workflow_id
        window customers as (partition by executions.customer_id order by executions.entered_at)
    ),

    final as (
        select
            entered.arm,
            greatest(coalesce(entered.reached, least(windows.seconds, entered.again, entered.until_now)), 0) as seconds,
            entered.reached is not null as reached
        from entered
        join windows using (version)
    )

select * from final

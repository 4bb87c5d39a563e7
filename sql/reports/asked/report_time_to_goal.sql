-- One row per workflow and arm: how long it takes from an entry to its first goal hit.
--
-- Goals that ask for the execution's decision have no hits, and no row here. Those whose goal is still open and not reached are
-- counted apart (open): they may reach it yet, so the times are of those who did. Times in seconds.
with
    windows as (
        select version, goal_window(definition) as seconds
        from workflow_versions
        where has_hits(definition)
    ),

    first_hits as (select execution_id, min("at") as hit_at from goal_hits group by execution_id),

    told as (
        select
            executions.workflow_id,
            if(executions.status = 'held_out', 'held_out', 'treated') as arm,
            epoch(first_hits.hit_at) - epoch(executions.entered_at) as seconds,
            first_hits.hit_at is null
            and epoch((select max(now) from ticks)) - epoch(executions.entered_at) < windows.seconds as is_open
        from executions
        join windows using (version)
        left join first_hits using (execution_id)
    ),

    final as (
        select
            workflow_id,
            arm,
            count(*) as executions,
            count(seconds) as hits,
            count(*) filter (is_open) as open,
            median(seconds) as median_seconds,
            quantile_cont(seconds, 0.9) as p90_seconds
        from told
        group by workflow_id, arm
    )

select * from final
order by workflow_id, arm

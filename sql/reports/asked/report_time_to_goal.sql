-- One row per workflow and arm, and by which goal hits are counted: how long it takes from an entry to its first goal hit.
--
-- Goals that ask for the execution's decision have no hits, and no row here. Those whose goal is still open and not reached are
-- counted apart (open): they may reach it yet, so the times are of those who did. Times in seconds. Entries whose goal was
-- reconsidered have rows of their own, as of the tick until which that was done.
with
    windows as (
        select version, goal_window(definition) as seconds
        from workflow_versions
        where has_hits(definition)
    ),

    first_hits as (select execution_id, min("at") as hit_at from goal_hits_counted group by execution_id),

    counted as (
        select
            executions.workflow_id,
            executions.execution_id,
            executions.entered_at,
            if(executions.status = 'held_out', 'held_out', 'treated') as arm,
            if(other.workflow_id is null, 'as decided', 'reconsidered') as goal_counted,
            coalesce(other.until, (select max(now) from ticks)) as counted_until,
            if(other.workflow_id is null, windows.seconds, other.window_seconds) as open_seconds
        from executions
        left join windows using (version)
        left join goal_reconsiderations as other
            on
                other.workflow_id = executions.workflow_id
                and executions.entered_at between coalesce(other.since, '-infinity') and other.until
    ),

    told as (
        select
            counted.*,
            epoch(first_hits.hit_at) - epoch(counted.entered_at) as seconds,
            first_hits.hit_at is null
            and epoch(counted.counted_until) - epoch(counted.entered_at) < counted.open_seconds as is_open
        from counted
        left join first_hits using (execution_id)
        where counted.open_seconds is not null
    ),

    final as (
        select
            workflow_id,
            arm,
            count(*) as executions,
            count(seconds) as hits,
            count(*) filter (is_open) as open,
            median(seconds) as median_seconds,
            quantile_cont(seconds, 0.9) as p90_seconds,
            goal_counted,
            counted_until
        from told
        group by workflow_id, arm, goal_counted, counted_until
    )

select * from final
order by workflow_id, arm, goal_counted

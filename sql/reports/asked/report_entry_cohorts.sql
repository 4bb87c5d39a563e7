-- One row per workflow, branch and week of entry (its Monday, UTC), held out or treated, and by which goal hits are counted: what
-- became of those who entered then.
--
-- hits: executions whose goal was reached within its window after the entry, running or not; of goals that ask for the
-- execution's decision there are none, and no rate. Entries whose goal was reconsidered have rows of their own.
with
    hits as (select distinct execution_id from goal_hits_counted),

    without_hits as (select version from workflow_versions where not has_hits(definition)),

    entered as (
        select
            executions.*,
            date_trunc('week', executions.entered_at at time zone 'UTC')::date as week,
            if(executions.status = 'held_out', 'held_out', 'treated') as arm,
            hits.execution_id is not null as hit,
            other.workflow_id is not null or executions.version not in (from without_hits) as has_hits,
            if(other.workflow_id is null, 'as decided', 'reconsidered') as goal_counted
        from executions
        left join hits using (execution_id)
        left join goal_reconsiderations as other
            on
                other.workflow_id = executions.workflow_id
                and executions.entered_at between coalesce(other.since, '-infinity') and other.until
    ),

    counted as (
        select
            workflow_id,
            branch,
            week,
            arm,
            count(*) as entered,
            count(*) filter (status = 'completed') as completed,
            count(*) filter (status = 'converted') as converted,
            count(*) filter (status = 'exited') as exited,
            count(*) filter (status = 'failed') as failed,
            count(*) filter (status in ('running', 'paused')) as active,
            if(bool_and(has_hits), count(*) filter (hit), null) as hits,
            goal_counted
        from entered
        group by all
    ),

    final as (select * exclude (goal_counted), 100.0::double * hits / entered as hit_rate, goal_counted from counted)

select * from final
order by workflow_id, branch, week, arm, goal_counted

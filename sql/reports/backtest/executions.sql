-- One row per execution that a backtest wrote, with the step that holds it: the last logged one, if it is a wait that was done or
-- if it failed (`held_by`, as ticks keep it).
with
    logged as (
        select
            execution_id,
            "at",
            position,
            if((steps.action_type = 'wait' and outcome = 'done') or outcome like 'failed:%', step, null) as holds
        from steps
        left join program_steps using (workflow_id, version, branch, step)
        where outcome not like 'deferred:%'
    ),

    last_logged as (
        select execution_id, arg_max({step: holds}, ("at", coalesce(position, -1))).step as held_by
        from logged
        group by execution_id
    ),

    final as (
        select decided.*, last_logged.held_by
        from decided_executions as decided
        left join last_logged using (execution_id)
    )

select * from final

-- One row per execution whose held_by isn't what its steps say: the last logged one, if it is a wait that was done or if it
-- failed. Whoever was migrated since may have been let go.
with
    logged as (
        select
            execution_id,
            tick_id,
            if((steps.action_type = 'wait' and outcome = 'done') or outcome like 'failed:%', step, null) as holds,
            position
        from steps
        left join program_steps using (workflow_id, version, branch, step)
        where outcome not like 'deferred:%'
    ),

    last_logged as (
        select
            execution_id,
            max(tick_id) as tick_id,
            arg_max({step: holds}, (tick_id, coalesce(position, -1))).step as holds
        from logged
        group by execution_id
    ),

    last_migrations as (select workflow_id, max(after_tick) as after_tick from migrations group by workflow_id),

    final as (
        select execution_id, executions.held_by as kept, last_logged.holds as counted
        from executions
        left join last_logged using (execution_id)
        left join last_migrations using (workflow_id)
        where
            executions.held_by is distinct from last_logged.holds
            and not coalesce(executions.held_by is null and last_migrations.after_tick >= last_logged.tick_id, false)
    )

select * from final

-- One row per execution that didn't complete its workflow: the step at which it stands, or stood when it ended.
--
-- A wait lasts until the next step is due, so whoever is in it (or ended during it) stands at the wait, not at the step
-- after it. is_logged says whether that step is in `steps` already. Without a step it stands nowhere. Who is held out
-- took none.
with
    unfinished as (select * from executions where status not in ('completed', 'held_out')),

    -- A deferred send comes back to the same step and is logged then.
    logged as not materialized (select * from steps where outcome not like 'deferred:%'),

    between_steps as (select * from unfinished where phase = 'due' or status = 'failed'),

    -- Nearly as good as by execution_id, and instants are read several times as fast as ids.
    near as materialized (select * from logged semi join between_steps using (entered_at)),

    last_logged as (
        select
            execution_id,
            arg_max(near.step, position) as step,
            arg_max(near.action_type, position) as action_type,
            arg_max(near.outcome, position) as outcome
        from near
        join between_steps using (execution_id)
        join program_steps
            on program_steps.workflow_id = between_steps.workflow_id
            and program_steps.version = between_steps.version
            and program_steps.branch = between_steps.branch
            and program_steps.step = near.step
        group by execution_id
    ),

    held_by_last as (
        select execution_id, step
        from last_logged
        where (action_type = 'wait' and outcome = 'done') or outcome like 'failed:%'
    ),

    final as (
        select
            unfinished.execution_id,
            unfinished.workflow_id,
            unfinished.version,
            unfinished.customer_id,
            unfinished.entered_at,
            unfinished.branch,
            unfinished.status,
            coalesce(held_by_last.step, unfinished.step) as step,
            held_by_last.step is not null or coalesce(unfinished.phase = 'waiting', false) as is_logged
        from unfinished
        left join held_by_last using (execution_id)
    )

select * from final

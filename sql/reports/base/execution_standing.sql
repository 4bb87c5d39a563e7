-- One row per execution that didn't complete its workflow: the step at which it stands, or stood when it ended.
--
-- A wait lasts until the next step is due, so whoever is in it (or ended during it) stands at the wait, not at the step
-- after it: that is held_by, the step of the last logged outcome if it was a wait, or failed. is_logged says whether that
-- step is in `steps` already. Without a step it stands nowhere. Who is held out took none.
with
    unfinished as (
        select *, if(phase = 'due' or status = 'failed', held_by, null) as held
        from executions
        where status not in ('completed', 'held_out')
    ),

    final as (
        select
            execution_id,
            workflow_id,
            version,
            customer_id,
            entered_at,
            branch,
            status,
            coalesce(held, step) as step,
            held is not null or coalesce(phase = 'waiting', false) as is_logged
        from unfinished
    )

select * from final

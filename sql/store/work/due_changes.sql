-- One row per instant at which something falls due for a customer that was brought in, and didn't before, or did (not comes).
with
    before as (
        select workflow_id, coalesce(epoch_us(due_at), {never}) as "at", customer_id
        from executions_before
        union all
        select '', epoch_us("at"), customer_id from schedule_alarms_before where "at" is not null
    ),

    after as (
        select workflow_id, coalesce(epoch_us(due_at), {never}) as "at", customer_id
        from executions
        where status in ('running', 'paused')
        union all
        select '', epoch_us("at"), customer_id from schedule_alarms where "at" is not null
    ),

    changes as (
        (select *, false as comes from before except select *, false from after)
        union all
        (select *, true from after except select *, true from before)
    ),

    final as (
        select changes.workflow_id, changes."at", loaded.key, changes.comes
        from changes
        inner join loaded using (customer_id)
    )

select workflow_id, "at", key, comes from final order by all

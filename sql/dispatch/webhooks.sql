-- One row per pending webhook request, with the profile it tells.
with
    pending as (select * from webhooks where status = 'pending'),

    profile as (select * from customers semi join pending using (customer_id)),

    final as (
        select
            pending.webhook_id,
            pending.execution_id,
            pending.workflow_id,
            pending.version,
            pending.branch,
            pending.step,
            pending.customer_id,
            pending."at",
            pending.url,
            coalesce(profile.attributes, '{}') as attributes
        from pending
        left join profile using (customer_id)
    )

select * from final

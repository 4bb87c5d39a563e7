-- One row per pending webhook request, at most $most of them, with the profile it tells.
with
    pending as (select * from webhooks where status in ('pending', 'unknown', 'failed') order by "at", webhook_id limit $most),

    owned as (select * from attributes semi join pending using (customer_id)),

    attributes_by_customer as (
        select customer_id, attributes_object(attribute, value) as attributes
        from owned
        where among_attributes(attribute, set_at)
        group by customer_id
    ),

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
            coalesce(attributes_by_customer.attributes, '{}') as attributes
        from pending
        left join attributes_by_customer using (customer_id)
    )

select * from final

-- One row per pending message, at most $most of them, with what rendering needs and the newest known suppression, if any.
-- What values of consent say is read before: `consent_values` (value, says).
with
    pending as (select * from messages where status = 'pending' order by "at", message_id limit $most),

    profiles as (select * from profiles semi join pending using (customer_id)),

    owned as (select * from attributes semi join pending using (customer_id)),

    attributes_by_customer as (
        select customer_id, attributes_object(attribute, value) as attributes
        from owned
        group by customer_id
    ),

    resubscribed as (
        select customer_id, set_at
        from owned
        semi join (select value from consent_values where says = 'yes') as agreeing using (value)
        where attribute = 'subscription_status'
    ),

    listed as (
        select suppressions.customer_id, suppressions.reason, suppressions."at"
        from suppressions
        left join resubscribed using (customer_id)
        where
            suppressions.reason <> 'unsubscribe'
            or resubscribed.set_at is null
            or resubscribed.set_at <= suppressions."at"
    ),

    withdrawn as (
        select customer_id, 'unsubscribe' as reason, set_at as "at"
        from owned
        semi join (select value from consent_values where says = 'no') as refusing using (value)
        where attribute in ('email_consent', 'subscription_status')
    ),

    newest as (
        select customer_id, arg_max(reason, coalesce("at", '-infinity'::timestamptz)) as reason
        from (select * from listed union all select * from withdrawn)
        group by customer_id
    ),

    lasting as (select distinct customer_id from listed),

    -- Nearly as good as by execution_id, and instants are read several times as fast as ids.
    near as (
        select execution_id, trigger_properties
        from executions
        semi join pending using (entered_at)
    ),

    final as (
        select
            pending.message_id,
            pending.execution_id,
            pending.workflow_id,
            pending.version,
            pending.branch,
            pending.step,
            pending.customer_id,
            profiles.email,
            pending."at",
            pending.template_id,
            coalesce(attributes_by_customer.attributes, '{}') as attributes,
            near.trigger_properties,
            case
                when lasting.customer_id is not null or not pending.transactional then newest.reason
            end as suppressed
        from pending
        left join profiles using (customer_id)
        left join attributes_by_customer using (customer_id)
        left join near using (execution_id)
        left join newest using (customer_id)
        left join lasting using (customer_id)
    )

select * from final

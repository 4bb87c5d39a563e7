-- One row per pending message, at most $most of them, with what rendering needs and the newest known suppression, if any.
-- Read before: what values of consent say, `consent_values` (value, says), and the one form of addresses of which that isn't
-- lower case, `address_keys` (address, key).
with
    pending as (select * from messages where status in ('pending', 'unknown', 'failed') order by "at", message_id limit $most),

    owned as (select * from attributes semi join pending using (customer_id)),

    written_to as (select customer_id, value ->> '$' as email from owned where attribute = 'email'),

    attributes_by_customer as (
        select customer_id, attributes_object(attribute, value) as attributes
        from owned
        group by customer_id
    ),

    tags_by_customer as (
        select customer_id, list(tag order by tag) as tags
        from tags
        semi join pending using (customer_id)
        group by customer_id
    ),

    resubscribed as (
        select customer_id, set_at
        from attributes
        semi join suppressions using (customer_id)
        semi join (select value from consent_values where says = 'yes') as agreeing using (value)
        where attribute = 'subscription_status'
    ),

    lasting as (
        select suppressions.customer_id, suppressions.reason, suppressions."at", suppressions.address
        from suppressions
        left join resubscribed using (customer_id)
        where
            suppressions.reason <> 'unsubscribe'
            or resubscribed.set_at is null
            or resubscribed.set_at <= suppressions."at"
    ),

    -- An erasure is of a profile; the rest counts for whoever has the address that it had, or has now.
    shut_addresses as (
        select address, reason, "at" from lasting where reason <> 'erasure'
        union all
        select attributes.value ->> '$' as address, lasting.reason, lasting."at"
        from lasting
        inner join attributes using (customer_id)
        where lasting.reason <> 'erasure' and attributes.attribute = 'email'
    ),

    shut as (
        select coalesce(address_keys.key, lower(shut_addresses.address)) as mailbox, reason, "at"
        from shut_addresses
        left join address_keys using (address)
        where mailbox <> ''
    ),

    addressed as (
        select written_to.customer_id, coalesce(address_keys.key, lower(written_to.email)) as mailbox
        from written_to
        left join address_keys on written_to.email = address_keys.address
    ),

    listed as (
        select customer_id, reason, "at" from lasting semi join pending using (customer_id)
        union all
        select addressed.customer_id, shut.reason, shut."at" from addressed inner join shut using (mailbox)
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

    refused as (select distinct customer_id from listed),

    final as (
        select
            pending.message_id,
            pending.execution_id,
            pending.workflow_id,
            pending.version,
            pending.branch,
            pending.step,
            pending.customer_id,
            written_to.email,
            pending."at",
            pending.template_id,
            coalesce(attributes_by_customer.attributes, '{}') as attributes,
            pending.trigger_properties,
            pending.entered_at,
            pending.message_class,
            pending.transactional,
            profiles.created_at,
            tags_by_customer.tags,
            case
                when refused.customer_id is not null or not pending.transactional then newest.reason
            end as suppressed
        from pending
        left join written_to using (customer_id)
        left join attributes_by_customer using (customer_id)
        left join newest using (customer_id)
        left join refused using (customer_id)
        left join profiles using (customer_id)
        left join tags_by_customer using (customer_id)
    )

select * from final

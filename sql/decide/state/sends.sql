-- One row per send of active customers since $since that counts towards frequency caps.
with
    sent as (
        select customer_id, "at", coalesce(channel, 'email') as channel, message_class, transactional
        from messages
        union all
        select customer_id, "at", channel, message_class, transactional
        from webhooks
    ),

    final as (
        select customer_id, "at", channel, message_class
        from sent
        semi join active_customers using (customer_id)
        where not transactional and "at" > $since and channel is not null
    )

select * from final

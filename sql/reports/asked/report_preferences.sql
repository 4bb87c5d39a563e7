-- One row per workflow, channel and class of its sent messages: how many were what their customers had chosen.
--
-- A customer chooses a channel by the attribute `preferred_channel`, and a topic by `consent.<channel>.<topic>` (semantics.md
-- §13: subscribed or unsubscribed). Messages name no topic of their own: their message_class is taken for it. Shares are
-- percent of the messages to customers who said something, null where nobody did; choices are those of now, not of when it was
-- sent. Scanned: messages, and of attributes those of these names.
with
    sent as (
        select workflow_id, channel, message_class, customer_id, count(*) as n
        from messages
        where status = 'sent'
        group by all
    ),

    said as (
        select customer_id, attribute, lower(trim(value ->> '$')) as choice, value
        from attributes
        where (attribute in ('preferred_channel', 'consent') or attribute like 'consent.%') and value <> 'null'
    ),

    channels as (select customer_id, choice from said where attribute = 'preferred_channel' and choice <> ''),

    topics as (select customer_id, attribute, choice from said where attribute like 'consent.%'),

    -- One attribute, an object by channel and topic, says the same.
    objects as (select customer_id, value::json as consents from said where attribute = 'consent'),

    chosen as (
        select
            sent.*,
            channels.choice as chosen_channel,
            coalesce(
                topics.choice, lower(trim(objects.consents -> sent.channel ->> sent.message_class))
            ) as topic_choice
        from sent
        left join channels using (customer_id)
        left join topics
            on topics.customer_id = sent.customer_id
            and topics.attribute = 'consent.' || sent.channel || '.' || sent.message_class
        left join objects on objects.customer_id = sent.customer_id
    ),

    counted as (
        select
            workflow_id,
            channel,
            message_class,
            sum(n)::bigint as messages,
            coalesce(sum(n) filter (chosen_channel is not null), 0)::bigint as channel_known,
            coalesce(sum(n) filter (chosen_channel = channel), 0)::bigint as in_channel,
            coalesce(sum(n) filter (topic_choice in ('subscribed', 'unsubscribed')), 0)::bigint as topic_known,
            coalesce(sum(n) filter (topic_choice = 'subscribed'), 0)::bigint as in_topic
        from chosen
        group by all
    ),

    final as (
        select
            workflow_id,
            channel,
            message_class,
            messages,
            channel_known,
            in_channel,
            100.0::double * in_channel / nullif(channel_known, 0) as pct_in_channel,
            topic_known,
            in_topic,
            100.0::double * in_topic / nullif(topic_known, 0) as pct_in_topic
        from counted
    )

select * from final
order by workflow_id, channel, message_class

-- One row per message: when events first told that it was delivered, opened, clicked, …
--
-- Events name it by the property message_id (Email Delivered, Email Opened, Email Link Clicked, Email Bounced, Email Marked as
-- Spam, Unsubscribed). Who clicks has opened, whatever the mail program told; what a machine did (property machine) is nobody's.
with
    told as (
        select properties ->> 'message_id' as message_id, name, ts
        from events
        where
            name in (
                'Email Delivered', 'Email Opened', 'Email Link Clicked',
                'Email Bounced', 'Email Marked as Spam', 'Unsubscribed'
            )
            and not (
                name in ('Email Opened', 'Email Link Clicked')
                and coalesce(properties ->> 'machine', 'false') = 'true'
            )
    ),

    first as (
        select
            message_id,
            min(ts) filter (name = 'Email Delivered') as delivered_at,
            min(ts) filter (name in ('Email Opened', 'Email Link Clicked')) as opened_at,
            min(ts) filter (name = 'Email Link Clicked') as clicked_at,
            count(*) filter (name = 'Email Link Clicked') as clicks,
            min(ts) filter (name = 'Email Bounced') as bounced_at,
            min(ts) filter (name = 'Email Marked as Spam') as complained_at,
            min(ts) filter (name = 'Unsubscribed') as unsubscribed_at
        from told
        where message_id is not null
        group by message_id
    ),

    final as (
        select
            messages.message_id,
            messages.workflow_id,
            messages.version,
            messages.branch,
            messages.step,
            messages.customer_id,
            messages.template_id,
            messages.variant,
            messages.subject,
            messages.status,
            messages."at" as decided_at,
            messages.sent_at,
            first.delivered_at,
            first.opened_at,
            first.clicked_at,
            coalesce(first.clicks, 0) as clicks,
            first.bounced_at,
            first.complained_at,
            first.unsubscribed_at
        from messages
        left join first using (message_id)
    )

select * from final

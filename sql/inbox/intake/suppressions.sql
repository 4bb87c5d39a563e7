-- One row per event that says a customer must not be written to any more.
insert into suppressions (customer_id, reason, "at", source, address)
with
    events as (select *, lower(replace(name, ' ', '_')) as label from batch where type = 'behavioral'),

    judged as (
        select
            customer_id,
            ts,
            event_id,
            coalesce(
                json_extract_string(properties, '$.email'),
                json_extract_string(properties, '$.recipient'),
                json_extract_string(attributes, '$.email')
            ) as told,
            case
                when label in ('unsubscribed', 'unsubscribe', 'email_unsubscribed', 'email_unsubscribe')
                    then 'unsubscribe'
                when label in ('email_marked_as_spam', 'spam_complaint', 'complaint') then 'complaint'
                when label = 'hard_bounce' then 'hard_bounce'
                when
                    label in ('email_bounced', 'bounce')
                    and lower(coalesce(
                        json_extract_string(properties, '$.bounce_type'), json_extract_string(properties, '$.type')
                    )) in ('hard', 'permanent')
                    then 'hard_bounce'
                when label in ('erasure', 'erased', 'data_erasure_requested') then 'erasure'
            end as reason
        from events
    ),

    emails as (select customer_id, value from attributes where attribute = 'email'),

    final as (
        select
            judged.customer_id,
            judged.reason,
            judged.ts as "at",
            'event ' || judged.event_id as source,
            coalesce(judged.told, emails.value ->> '$') as address
        from judged
        left join emails using (customer_id)
        where judged.reason is not null
    )

select * from final

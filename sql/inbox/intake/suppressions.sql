-- One row per event that says a customer must not be written to any more.
insert into suppressions (customer_id, reason, "at", source)
with
    events as (select *, lower(replace(name, ' ', '_')) as label from batch where type = 'behavioral'),

    judged as (
        select
            customer_id,
            ts,
            event_id,
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

    final as (
        select customer_id, reason, ts as "at", 'event ' || event_id as source
        from judged
        where reason is not null
    )

select * from final

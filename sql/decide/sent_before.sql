-- One row per send after $since and until $until that counts towards frequency caps.
create or replace temp table sent_before as
with
    sent as (
        select customer_id, "at", coalesce(channel, 'email') as channel, message_class, transactional
        from everybody.messages
        union all
        select customer_id, "at", channel, message_class, transactional
        from everybody.webhooks
    )

select customer_id, "at", channel, message_class
from sent
where not transactional and "at" > $since and "at" <= $until and channel is not null

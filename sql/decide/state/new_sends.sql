-- One row per send that the tick has decided, of those that count towards frequency caps.
insert into sends
select customer_id, "at", coalesce(channel, 'email'), message_class from new_messages where not transactional
union all
select customer_id, "at", channel, message_class from new_webhooks where not transactional and channel is not null

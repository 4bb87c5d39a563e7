-- One row per send of active customers since $since that counts towards frequency caps.
select customer_id, "at", channel, message_class
from sends
semi join active_customers using (customer_id)
where "at" > $since

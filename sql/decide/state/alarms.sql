-- One row per schedule by a date attribute that was armed for one of active customers.
select customer_id, key, value, "at"
from schedule_alarms
semi join active_customers using (customer_id)

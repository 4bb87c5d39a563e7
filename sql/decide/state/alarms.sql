-- One row per schedule by a date attribute that was armed for one of the customers touched.
select customer_id, key, value, "at"
from schedule_alarms
semi join touched using (customer_id)

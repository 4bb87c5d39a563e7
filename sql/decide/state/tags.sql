-- One row per tag of active customers.
select customer_id, tag
from tags
semi join active_customers using (customer_id)

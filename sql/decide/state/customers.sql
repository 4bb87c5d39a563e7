-- One row per active customer.
select customer_id, known, created_at, timezone
from profiles
semi join active_customers using (customer_id)

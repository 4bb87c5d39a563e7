-- One row per active customer.
select customer_id, known, created_at, null::timestamptz as since
from profiles
semi join active_customers using (customer_id)

-- One row per customer touched.
select customer_id, known, created_at, timezone
from profiles
semi join touched using (customer_id)

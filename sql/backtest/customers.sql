-- One row per customer of the bucket.
select customer_id, true as known, created_at, timezone
from bucket_customers

-- One row per customer of the bucket.
select customer_id, true as known, created_at, null::timestamptz as since
from bucket_customers

-- One row per tag that a customer of the bucket has.
select distinct customer_id, unnest(tags) as tag
from bucket_customers

-- One row: events of a bucket, those that act, and those of customers not known at their time.
select
    count(*) as events,
    count(*) filter (where seen) as acting,
    count(*) filter (where seen and (customers.customer_id is null or customers.created_at > ts)) as unknown_customer
from bucket_events
left join bucket_customers as customers using (customer_id)

-- One row: events until the end, those that act, and those of customers not known at their time.
select
    count(*) as events,
    count(*) filter (where seen) as acting,
    count(*) filter (where seen and (customers.customer_id is null or customers.created_at > ts)) as unknown_customer
from backtest_events
left join backtest_customers as customers using (customer_id)

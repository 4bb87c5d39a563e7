-- One row: events of a bucket, those that act, and those of customers not known at their time.
with
    event_times as (
        select customer_id, ts, ts >= getvariable('backtest_start') as acts from bucket_event_times
    ),

    customers as (select customer_id, created_at from bucket_customers),

    final as (
        select
            count(*) as events,
            count(*) filter (where acts) as acting,
            count(*) filter (
                where acts and (customers.customer_id is null or customers.created_at > ts)
            ) as unknown_customer
        from event_times
        left join customers using (customer_id)
    )

select * from final

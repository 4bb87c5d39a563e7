-- One row: events of a bucket, those that act, and those of customers not known at their time.
with
    event_times as (
        select customer_id, ts, ts >= getvariable('backtest_start') as acts from bucket_event_times
    ),

    customers as (
        select customer_id, coalesce(created_at, '-infinity'::timestamptz) as since from bucket_customers
    ),

    introduced as (
        select customer_id, min(ts) as since
        from bucket_events
        anti join customers using (customer_id)
        where introduces(type, name, attributes)
        group by customer_id
    ),

    final as (
        select
            count(*) as events,
            count(*) filter (where acts) as acting,
            count(*) filter (
                where acts and ts < coalesce(customers.since, introduced.since, 'infinity'::timestamptz)
            ) as unknown_customer
        from event_times
        left join customers using (customer_id)
        left join introduced using (customer_id)
    )

select * from final

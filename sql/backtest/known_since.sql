-- One row per customer of the bucket who is known at some time: since when.
with
    customers as (
        select customer_id, coalesce(created_at, '0001-01-01'::timestamptz) as since from bucket_customers
    ),

    introduced as (
        select customer_id, min(ts) as since
        from bucket_events
        anti join customers using (customer_id)
        where introduces(type, name, attributes)
        group by customer_id
    ),

    final as (
        select * from customers
        union all
        select * from introduced
    )

select * from final

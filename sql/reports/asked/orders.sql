-- One row per event that earned money or gave it back: how much, and when it counts as earned.
--
-- Settings `revenue` and `refunds` name these events. A refund that names an order of the customer by the property order_id is
-- credited as that order was; money is in cents, rounded, so that sums are exact.
with
    paid as (
        select
            events.event_id,
            events.customer_id,
            events.ts,
            events.name,
            events.properties ->> 'order_id' as order_id,
            money.sign,
            money.sign * round(100 * coalesce(events.value, 0))::bigint as cents
        from events
        join internal.money as money using (name)
        where coalesce(isfinite(events.value), true)
    ),

    ordered as (
        select customer_id, order_id, min(ts) as ordered_at
        from paid
        where sign > 0 and order_id is not null
        group by customer_id, order_id
    ),

    final as (
        select
            paid.event_id,
            paid.customer_id,
            paid.name,
            paid.order_id,
            paid.ts,
            if(paid.sign < 0, coalesce(ordered.ordered_at, paid.ts), paid.ts) as earned_at,
            paid.cents
        from paid
        left join ordered using (customer_id, order_id)
    )

select * from final

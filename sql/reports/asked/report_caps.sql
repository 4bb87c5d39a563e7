-- One row per frequency cap of the settings, in their order: how many customers are at it, or over it, as of the last tick.
--
-- Counted as the gate counts (semantics.md §11): accepted messages that aren't transactional, whatever became of them, in the
-- window that ends at the last tick, of the cap's channel and class. Over a cap are those whom an earlier, wider one let
-- through. Scanned: the messages in the longest window, once per cap.
with
    as_of as (select epoch_us(max(now)) as now from ticks),

    recent as (
        select customer_id, channel, message_class, (select now from as_of) - epoch_us("at") as age
        from messages
        where
            not coalesce(transactional, false)
            and epoch_us("at") > (select now from as_of) - (select max(microseconds) from internal.caps)
    ),

    by_customer as (
        select caps.number, recent.customer_id, count(*) as n
        from internal.caps as caps
        join recent
            on recent.age < caps.microseconds
            and (caps.channel is null or caps.channel = recent.channel)
            and (caps.message_class is null or caps.message_class = recent.message_class)
        group by caps.number, recent.customer_id
    ),

    final as (
        select
            caps.number as cap,
            any_value(caps.messages) as messages,
            any_value(caps.microseconds) / 1e6 as window_seconds,
            any_value(caps.channel) as channel,
            any_value(caps.message_class) as message_class,
            count(by_customer.customer_id) as customers,
            count(*) filter (by_customer.n = caps.messages) as at_cap,
            count(*) filter (by_customer.n > caps.messages) as over_cap,
            coalesce(max(by_customer.n), 0) as most
        from internal.caps as caps
        left join by_customer using (number)
        group by caps.number
    )

select * from final
order by cap

-- One row per number of days (7, 30) and of messages: how many customers were sent so many in the days until the last tick.
--
-- By the messages' own instants, of all workflows, transactional ones too; 0 are all other customers ever seen. Scanned: the
-- messages of the last 30 days, and profiles.
with
    recent as (
        select customer_id, "at" > (select max(now) from ticks) - interval 168 hours as is_of_7
        from messages
        where status = 'sent' and "at" > (select max(now) from ticks) - interval 720 hours
    ),

    by_customer as (
        select customer_id, count(*) filter (is_of_7) as of_7, count(*) as of_30
        from recent
        group by customer_id
    ),

    written_to as (
        select days, messages, count(*) as customers
        from (select unnest([7, 30]) as days, unnest([of_7, of_30]) as messages from by_customer)
        where messages > 0
        group by days, messages
    ),

    others as (
        select
            days,
            0 as messages,
            (select count(*) from profiles) - (
                select coalesce(sum(customers), 0) from written_to where written_to.days = windows.days
            ) as customers
        from (select unnest([7, 30]) as days) as windows
    ),

    final as (
        select
            days,
            messages,
            customers::bigint as customers,
            100.0::double * customers / nullif(sum(customers) over (partition by days), 0) as pct_of_customers
        from (from written_to union all from others)
    )

select * from final
order by days, messages

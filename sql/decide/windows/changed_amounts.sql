-- One row per customer whose amounts a tick has looked at.
with
    changed as (select * from looked_at),

    watched as (select * from watched_keys where kind = 'amount' and tracked),

    final as (
        select
            changed.customer_id,
            list(watched.number order by watched.number)::integer[] as keys,
            list(changed.amount order by watched.number) as amounts
        from changed
        join watched using (key)
        group by changed.customer_id
    )

select * from final

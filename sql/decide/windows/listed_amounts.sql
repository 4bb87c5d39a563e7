-- One row per customer of `given_amounts`: the amounts that are kept track of, as lists.
create or replace temp table listed_amounts as
with
    given as (select * from given_amounts),

    watched as (select * from watched_keys where kind = 'amount' and tracked),

    final as (
        select
            given.customer_id,
            list(watched.number order by watched.number)::integer[] as keys,
            list(given.amount order by watched.number) as amounts
        from given
        join watched using (key)
        group by given.customer_id
    )

select * from final

-- One row per customer with events in $files until $until, of $names: the amounts of $keys, one call of `history_amount`
-- each.
create or replace temp table listed_amounts as
with
    history as (
        select
            customer_id,
            name,
            ts,
            epoch_us($until::timestamptz) - epoch_us(ts) as age,
            round_even(greatest(least(coalesce(value, 0), $largest), -$largest) * $decimals, 0)::bigint as millionths
        from read_parquet($files::varchar[])
        where ts <= $until::timestamptz and type = 'behavioral' and list_contains($names::varchar[], name)
    ),

    watched as (
        select list(number order by list_position($keys::varchar[], key)) as numbers
        from watched_keys
        where kind = 'amount' and tracked and list_contains($keys::varchar[], key)
    ),

    summed as (
        select customer_id, [{amounts}] as amounts
        from history
        group by customer_id
    ),

    final as (
        select
            summed.customer_id,
            list_filter(watched.numbers, lambda number, place: summed.amounts[place] is not null) as keys,
            list_filter(summed.amounts, lambda amount: amount is not null) as amounts
        from summed
        cross join watched
    )

select * from final where len(keys) > 0

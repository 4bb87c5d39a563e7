-- Adds `listed_amounts`, just made from history, to those there were.
create or replace table window_amounts as
with
    before as (select * from window_amounts),

    added as (select * from listed_amounts),

    final as (
        select
            coalesce(before.customer_id, added.customer_id) as customer_id,
            list_concat(coalesce(before.keys, []::integer[]), coalesce(added.keys, []::integer[])) as keys,
            list_concat(coalesce(before.amounts, []::bigint[]), coalesce(added.amounts, []::bigint[])) as amounts
        from before
        full join added on before.customer_id = added.customer_id
    )

select * from final

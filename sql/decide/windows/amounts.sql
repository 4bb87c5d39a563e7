-- One row per amount of the customers in question that is still kept track of.
with
    amounts as (select * from window_amounts semi join amount_owners using (customer_id)),

    watched as (select * from watched_keys where kind = 'amount' and tracked),

    listed as (
        select customer_id, unnest(keys) as number, unnest(amounts) as amount
        from amounts
    ),

    final as (
        select listed.customer_id, watched.key, listed.amount
        from listed
        join watched using (number)
    )

select * from final

-- One row per address, of customers of pending messages and of suppressed ones, of which lower case isn't yet the one form.
with
    asked as (
        select customer_id from messages where status in ('pending', 'unknown', 'failed')
        union
        select customer_id from suppressions
    ),

    addresses as (
        select value ->> '$' as address
        from attributes
        semi join asked using (customer_id)
        where attribute = 'email'
        union
        select address from suppressions
    ),

    final as (
        select address from addresses where regexp_matches(address, $odd)
    )

select * from final

-- One row per address, of customers of pending messages and of suppressed ones, of which lower case isn't yet the one form.
with
    asked as (
        select customer_id from messages where status = 'pending'
        union
        select customer_id from suppressions
    ),

    addresses as (
        select profiles.email as address from profiles semi join asked using (customer_id)
        union
        select address from suppressions
    ),

    final as (
        -- Anything but ASCII, blanks, a name beside it, Punycode.
        select address from addresses where regexp_matches(address, '[^!-;=?-~]|xn--', 'i')
    )

select * from final

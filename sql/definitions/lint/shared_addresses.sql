-- One row per address that more than one known customer has, with some of them; `address_keys` has the form of odd ones.
with
    addressed as (
        select customers.customer_id, coalesce(address_keys.key, lower(customers.email)) as address
        from customers
        left join address_keys on customers.email = address_keys.address
        where customers.known
    ),

    final as (
        select
            address,
            count(*) as customers,
            min(customer_id, 3) as some
        from addressed
        where address <> ''
        group by address
        having count(*) > 1
    )

select * from final

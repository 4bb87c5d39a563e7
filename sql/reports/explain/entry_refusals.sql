-- One row per refused entry of a customer until an instant.
select * from entry_refusals where customer_id = $customer and "at" <= $until order by "at"

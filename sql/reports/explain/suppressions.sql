-- One row per reason not to write to a customer that was known at an instant.
select * from suppressions where customer_id = $customer and "at" <= $until order by "at"

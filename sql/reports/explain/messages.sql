-- One row per message decided for a customer until an instant, with what has become of it since.
select * from messages where customer_id = $customer and "at" <= $until order by "at"

-- One row per webhook request decided for a customer until an instant, with what has become of it since.
select * from webhooks where customer_id = $customer and "at" <= $until order by "at"

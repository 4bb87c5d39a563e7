-- One row per event of a customer until an instant.
select event_id, customer_id, ts, type, name, value, properties, attributes
from read_parquet($files)
where customer_id = $customer and ts <= $until
order by ts, event_id

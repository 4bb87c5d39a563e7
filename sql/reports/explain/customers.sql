-- One row: what a customer file said of a customer first; what later ones said is among the events.
select customer_id, email, created_at, attributes, tags, timezone
from read_parquet($files, filename = true)
where customer_id = $customer and $until is not null
order by list_position($files, filename)
limit 1

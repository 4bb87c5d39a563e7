-- One row: what a customer file said of a customer first, and the start of the tick in which it came (null: the first tick); what
-- later ones said is among the events.
select customer_id, email, created_at, attributes, tags, timezone, files_told.previous as since
from read_parquet($files, filename = 'file') as said
join files_told using (file)
where customer_id = $customer
order by files_told.number
limit 1

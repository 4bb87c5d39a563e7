-- One row per event of a customer that was loaded after the tick that covered its time: the start of the tick it acted in.
select events.event_id, min(told.previous) as previous
from read_parquet($files, filename = 'file') as events
join late_batches_told as told using (file)
where events.customer_id = $customer and events.ts <= told.previous
group by events.event_id

-- One row per event of a customer that was loaded after the tick that covered its time: the start of the tick it acted in.
select events.event_id, min(files_told.previous) as previous
from read_parquet($files, filename = 'file') as events
join files_told using (file)
where events.customer_id = $customer and events.ts <= files_told.previous
group by events.event_id

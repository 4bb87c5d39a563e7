-- One row per id of `suspected_ids` that an event of the archived batches $archives has.
select distinct event_id
from read_parquet($archives)
semi join suspected_ids using (event_id)

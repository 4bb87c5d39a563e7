-- One row: the number of the next batch.
select coalesce(max(batch_id), 0) + 1 as batch_id from batches

-- One row: the number of the last batch of the state; 0 before the first.
select coalesce(max(batch_id), 0) as batch_id from batches

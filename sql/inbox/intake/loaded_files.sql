-- No rows: what was noted of customer files is forgotten where their batches $batches say it better.
delete from inbox_files
where kind = 'customers' and file in (
    select file from batches where batch_id in (select unnest($batches::bigint[]))
)

-- One row per file of events that was loaded or archived: the hash of its content.
select content_hash from batches where kind = 'events'
union all
select content_hash from archived_batches where kind = 'events'

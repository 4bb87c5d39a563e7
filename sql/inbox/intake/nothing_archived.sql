-- No rows yet: one per batch that is archived and not part of the state yet will come.
create temp table if not exists archived_batches as select * from batches limit 0

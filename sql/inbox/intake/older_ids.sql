-- No rows: whether events were archived whose derived ids are those of semantics 1, which are then looked up too.
set variable older_ids = (select coalesce(bool_or(semantics = 1), false) from batches where kind = 'events')

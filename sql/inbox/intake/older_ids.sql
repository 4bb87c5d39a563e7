-- One row if events were archived whose derived ids are those of semantics 1, which are then looked up too.
select 1 from batches where kind = 'events' and semantics = 1 limit 1

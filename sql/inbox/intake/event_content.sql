-- One row if a file of events with the content $content was loaded or archived.
select 1 from batches where kind = 'events' and content_hash = $content
union all
select 1 from archived_batches where kind = 'events' and content_hash = $content
limit 1

-- One row per archived file of earlier ticks with events after $previous, and how large it is (null: not known).
select distinct batches.archive, files.bytes
from batches
left join files on files.name = 'events/' || batches.archive
where kind = 'events' and latest > $previous and archive not in (select value from json_each($new))

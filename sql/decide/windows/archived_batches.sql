-- One row per archived file of earlier ticks with events after $after (null: since ever) and until $until, and how large
-- it is (null: not known).
select distinct batches.archive, files.bytes
from batches
left join files on files.name = 'events/' || batches.archive
where
    kind = 'events'
    and latest > coalesce($after, -9223372036854775808)
    and (earliest is null or earliest <= $until)
    and archive not in (select value from json_each($new))

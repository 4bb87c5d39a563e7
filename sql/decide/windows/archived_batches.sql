-- One row per archived file of earlier ticks with events after $after and until $until, and how large it is (null: not
-- known).
select distinct batches.archive, files.bytes
from batches
left join files on files.name = 'events/' || batches.archive
where
    kind = 'events'
    and latest > $after
    and (earliest is null or earliest <= $until)
    and archive not in (select value from json_each($new))

-- One row per archived batch of earlier ticks with events after $after (null: since ever) and until $until.
select distinct archive
from batches
where
    kind = 'events'
    and latest > coalesce($after, -9223372036854775808)
    and (earliest is null or earliest <= $until)
    and archive not in (select value from json_each($new))

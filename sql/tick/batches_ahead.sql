-- One row per archived batch of earlier ticks with events after $previous.
select distinct archive
from batches
where kind = 'events' and latest > $previous and archive not in (select value from json_each($new))

-- One row per archived batch of earlier ticks with events after $previous.
select distinct archive
from batches
anti join new_batches using (archive)
where kind = 'events' and latest > $previous

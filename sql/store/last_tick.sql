-- One row: the last tick's number and end; 0 and null before the first.
select
    coalesce(max(tick_id), 0) as tick_id,
    max(now) as now
from ticks

-- One row: the end of the last tick; null before the first.
select max(now) as now from ticks

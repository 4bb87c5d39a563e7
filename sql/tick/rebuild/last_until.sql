-- One row: the end of the last tick until $until; null if there is none.
select max(now) as now from ticks where now <= $until

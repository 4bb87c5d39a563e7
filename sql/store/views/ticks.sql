-- One row per tick: the half-open interval (previous, now] it covered and what it did.
select * from internal.ticks
union all by name
select * from internal.late_ticks

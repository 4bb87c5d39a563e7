-- One row per tick and reason: how many events were not processed because of it.
select * from internal.tick_counts
union all by name
select * from internal.late_tick_counts

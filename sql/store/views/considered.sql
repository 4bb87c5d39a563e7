-- One row per tick, workflow version and place in its file: facts that were refused there first, or let in.
select * from internal.considered
union all by name
select * from internal.late_considered

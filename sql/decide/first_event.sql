-- One row: the instant of the earliest of the tick's events.
select min(ts) as first_at from tick_events

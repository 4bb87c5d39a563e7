-- One row: the last tick; none before the first.
select tick_id, now, started_at, finished_at, basis from ticks order by tick_id desc limit 1

-- One row: what the last tick's decisions rested on; none before the first.
select basis from ticks order by tick_id desc limit 1

-- One row: what the last tick's decisions rested on; null before the first.
select arg_max(basis, tick_id) as basis from ticks

-- One row: whether each good event of a batch comes after the one before it.
with pairs as (select ts, event_id, lag((ts, event_id)) over () as before from good)

select coalesce(bool_and((ts, event_id) > before), true) as follow from pairs

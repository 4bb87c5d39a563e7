-- One row per event of a batch, in the order of time.
select * from batch
order by ts, event_id

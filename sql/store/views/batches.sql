-- One row per loaded file: what it held and where its events are archived.
select * from internal.batches
union all by name
select * from internal.late_batches

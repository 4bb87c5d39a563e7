-- One row: how many ticks until $until (null: all) loaded or changed something of which the archive, with the manifests of
-- $ticks and the batches $batches, knows nothing, and when the last of them ended.
with
    compared as (
        select tick_id, now, basis, lag(basis) over (order by tick_id) as before
        from ticks
        where basis is not null
    ),

    loaded as (
        select min(ticks.tick_id) as tick_id, ticks.now
        from batches
        join ticks on ticks.now = batches.loaded_at
        where batches.batch_id not in (select value from json_each($batches))
        group by ticks.now
    ),

    lost as (
        select tick_id, now
        from compared
        where basis is not before and tick_id not in (select value from json_each($ticks))
        union
        select tick_id, now from loaded
    )

select count(*) as ticks, max(now) as until
from lost
where now <= coalesce($until, 9223372036854775807)

-- One row: how many ticks until $until (null: all) loaded or changed something of which the archive, with the manifests of
-- $ticks and the batches $batches, knows nothing, and when the last of them ended.
with
    changed as (
        select tick_id, now
        from ticks
        where basis is not null
        qualify basis is distinct from lag(basis) over (order by tick_id)
    ),

    loaded as (
        select min(ticks.tick_id) as tick_id, ticks.now
        from batches
        join ticks on ticks.now = batches.loaded_at
        where batches.batch_id not in (select unnest($batches::bigint[]))
        group by ticks.now
    ),

    lost as (
        select tick_id, now from changed where tick_id not in (select unnest($ticks::bigint[]))
        union
        select tick_id, now from loaded
    ),

    final as (
        select count(*) as ticks, max(now) as until
        from lost
        where now <= coalesce($until::timestamptz, 'infinity'::timestamptz)
    )

select ticks, until from final

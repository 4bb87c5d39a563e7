-- One row per event that acts by $now: of new batches, and of earlier ones whose time has come since $previous.
create or replace temp table tick_events as
with
    fresh as (select * from new_events where ts <= $now),

    come as (select * from stored_events where ts > $previous and ts <= $now),

    acting as (
        select * from fresh
        union all
        select * from come
    ),

    final as (
        select
            event_id,
            customer_id,
            ts,
            greatest(ts, coalesce($previous, ts)) as "at",
            type,
            name,
            value,
            properties,
            attributes,
            coalesce($previous - ts <= to_microseconds($max_lateness), true) as seen,
            coalesce(ts <= $previous, false) as late
        from acting
    )

select * from final

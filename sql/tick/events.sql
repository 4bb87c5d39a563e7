-- One row per event that acts by the tick's end: of new batches, and of earlier ones whose time has come since the last tick.
create or replace temp view tick_events as
with
    fresh as (select * from new_events where ts <= getvariable('tick_now')),

    come as (
        select * from stored_events where ts > getvariable('tick_previous') and ts <= getvariable('tick_now')
    ),

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
            greatest(ts, coalesce(getvariable('tick_previous'), ts)) as "at",
            type,
            name,
            value,
            properties,
            attributes,
            coalesce(getvariable('tick_previous') - ts <= to_microseconds(getvariable('tick_max_lateness')), true) as acts,
            coalesce(ts <= getvariable('tick_previous'), false) as late
        from acting
    )

select * from final

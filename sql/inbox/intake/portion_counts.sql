-- One row per batch of what is judged: its rows, its duplicates, its bad rows, those of anonymous people, and the span of what counts.
with
    judged as (
        select
            judged.batch_id,
            judged.ts,
            judged.anonymous,
            judged.reason is not null as bad,
            left_out.batch_order is not null as repeated
        from judged
        left join judged_left_out as left_out on judged.batch_order = left_out.batch_order
    ),

    final as (
        select
            batch_id,
            count(*) as "rows",
            count(*) filter (where repeated) as duplicates,
            count(*) filter (where bad) as quarantined,
            count(*) filter (where anonymous and not bad and not repeated) as anonymous,
            min(ts) filter (where not bad and not repeated) as earliest,
            max(ts) filter (where not bad and not repeated) as latest
        from judged
        group by batch_id
    )

select * from final

-- One row per workflow, kind of duration and bin: how many executions took so long.
--
-- parts: workflow_id, kind, bin. completion: from entry to end, of the completed; conversion: from entry to the goal.
-- A bin is named by its least duration, which is that of any in it with all but the first seven binary digits cut to 0:
-- 64 bins from one power of two to the next, each at most a 64th wide. Integers only, so a duration has the same bin
-- everywhere and for ever. total is the exact sum of what they took beyond that, in microseconds: the sum of the whole
-- would outgrow 64 bits with some million passes of a month each.
with
    lasted as (
        select
            workflow_id,
            sign,
            unnest(['completion', 'conversion']) as kind,
            unnest([if(status = 'completed', ended_at, null), converted_at]) as until,
            epoch_us(until) - epoch_us(entered_at) as duration
        from counted_executions
        where status = 'completed' or converted_at is not null
    ),

    cut as (
        select *, greatest(length(bin(greatest(duration, 0))) - 7, 0)::bigint as digits
        from lasted
        where duration is not null
    ),

    counted as (
        select
            workflow_id,
            kind,
            (duration >> digits) << digits as bin,
            sum(sign)::bigint as n,
            sum(sign * (duration - bin)) as total
        from cut
        group by all
    ),

    final as (
        select
            json_array(workflow_id, kind, bin::varchar)::varchar as parts,
            n,
            total::hugeint as total,
            null::timestamptz as first,
            null::timestamptz as last
        from counted
    )

select * from final

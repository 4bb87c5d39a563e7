-- One row per workflow and place in its files: how many facts were refused there first, or let in, ever and in the last week.
--
-- Counted by ticks, so what a tick of before 0.4 asked isn't in it. The week ends with the last tick.
with
    week as (
        select tick_id from ticks where now > (select max(now) from ticks) - interval 7 days
    ),

    final as (
        select
            workflow_id,
            place,
            condition,
            sum(facts)::bigint as facts,
            coalesce(sum(facts) filter (where week.tick_id is not null), 0)::bigint as facts_last_week
        from considered
        left join week using (tick_id)
        group by workflow_id, place, condition
    )

select * from final order by workflow_id, facts desc, place

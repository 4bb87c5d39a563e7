-- One row per workflow and measure: what came in the seven days until $until, and in the seven before.
--
-- A week is (until - 168 hours, until]. Counted over everything, as the workflow summary counts: entries leaves out who was
-- held out; conversions are goals reached, also where that didn't end the execution; messages are the accepted ones.
-- change is the difference in percent of the week before, null where that had nothing.
with
    counts as (
        select
            workflow_id,
            measure,
            count(*) filter (happened_at > $until::timestamptz - interval '168 hours') as last_week,
            count(*) filter (happened_at <= $until::timestamptz - interval '168 hours') as week_before
        from happened
        where happened_at > $until::timestamptz - interval '336 hours' and happened_at <= $until::timestamptz
        group by workflow_id, measure
    ),

    places as (
        select distinct workflow_id, measure, position
        from workflow_versions
        cross join (
            values ('entries', 0), ('completions', 1), ('conversions', 2), ('messages', 3)
        ) measures (measure, position)
    ),

    final as (
        select
            workflow_id,
            measure,
            coalesce(counts.last_week, 0) as last_week,
            coalesce(counts.week_before, 0) as week_before,
            coalesce(counts.last_week - counts.week_before, 0) as difference,
            100.0::double * difference / nullif(counts.week_before, 0) as change,
            $until::timestamptz - interval '168 hours' as since,
            $until::timestamptz as until
        from places
        left join counts using (workflow_id, measure)
        order by workflow_id, position
    )

select * from final

-- One row per workflow, measure and week of the last $weeks until $until in which something came, the last week being 0.
--
-- Weeks are 168 hours and end at $until; what is counted is as in report_last_week: weeks 0 and 1 are its two.
with
    placed as (
        select
            workflow_id,
            measure,
            (epoch_us($until::timestamptz) - epoch_us(happened_at)) // 604800000000 as weeks_ago
        from happened
        where happened_at <= $until::timestamptz and happened_at > $until::timestamptz - to_hours(168 * $weeks)
    ),

    final as (
        select workflow_id, measure, weeks_ago, count(*) as n
        from placed
        group by all
    )

select * from final

-- One row if something may happen until $now without a new event: a step or a date is due, or there are patterns or schedules,
-- of $versions or of those that executions are on.
with
    acting_alone as (
        select version
        from workflow_versions
        where
            watches
            and (
                version in (select value from json_each($versions))
                or version in (select version from in_flight)
            )
    ),

    falling_due as (
        select key
        from due
        where
            at <= $now
            and workflow_id in (
                select '' as workflow_id
                union
                select workflow_id from in_flight where workflow_id not in (select workflow_id from paused)
            )
        limit 1
    )

select version from acting_alone
union all
select key from falling_due
limit 1

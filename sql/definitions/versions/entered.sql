-- One row per workflow and version, other than $versions, whose goal may still be open after $since: the day of its last entry is
-- no longer ago than the goal's window, which is $usual (µs) unless its definition says otherwise (seconds). Of the workflows
-- that are keys of $counted, that says how long (µs), whether or not a version has a goal.
--
-- Sums begin with the day, so only those within the longest of these windows are read, from year 1 on; none, if no such version has
-- a goal.
with
    counted as (select key as workflow_id, value as length from json_each($counted)),

    goals as (
        select
            workflow_id,
            version,
            coalesce(
                counted.length, cast(json_extract(definition, '$.goal.window') * 1000000 as integer), $usual
            ) as length
        from workflow_versions
        left join counted using (workflow_id)
        where
            version not in (select value from json_each($versions))
            and (counted.length is not null or json_extract(definition, '$.goal') is not null)
    ),

    entered as (
        select parts ->> '$[1]' as workflow_id, parts ->> '$[2]' as version, parts ->> '$[0]' as day
        from sums
        where
            name = 'entries_daily'
            and parts >= (select '["' || date(max(($since - max(length)) / 1000000 - 86400, -62135596800), 'unixepoch') from goals)
            and n > 0
    )

select distinct workflow_id, version
from goals
join entered using (workflow_id, version)
where (unixepoch(day) + 86400) * 1000000 >= $since - length
order by workflow_id, version

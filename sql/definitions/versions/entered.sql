-- One row per workflow and version, other than $versions, whose goal may still be open after $since: when the day of its last
-- entry ends, in microseconds.
--
-- A goal's window is as long as $usual unless its definition says otherwise, which whoever asks looks at.
with
    last as (
        select
            parts ->> '$[1]' as workflow_id,
            parts ->> '$[2]' as version,
            (unixepoch(max(parts ->> '$[0]')) + 86400) * 1000000 as until
        from sums
        where name = 'entries_daily' and n > 0
        group by 1, 2
    )

select workflow_id, version, until
from last
join workflow_versions using (workflow_id, version)
where
    version not in (select value from json_each($versions))
    and json_extract(definition, '$.goal') is not null
    and (until >= $since - $usual or json_extract(definition, '$.goal.window') is not null)
order by workflow_id, version

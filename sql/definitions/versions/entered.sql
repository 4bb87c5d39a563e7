-- One row per workflow and version, other than $versions, whose last entry may have an open goal after $since: by when it was.
--
-- A goal's window is as long as $usual unless its definition says otherwise, which whoever asks looks at.
select sums.parts ->> '$[0]' as workflow_id, workflow_versions.version, sums.last
from sums
join workflow_versions
    on workflow_versions.version = sums.parts ->> '$[1]'
    and workflow_versions.workflow_id = sums.parts ->> '$[0]'
where
    sums.name = 'version_entries'
    and sums.n > 0
    and workflow_versions.version not in (select value from json_each($versions))
    and json_extract(workflow_versions.definition, '$.goal') is not null
    and (
        sums.last >= $since - $usual
        or json_extract(workflow_versions.definition, '$.goal.window') is not null
    )
order by workflow_id, workflow_versions.version

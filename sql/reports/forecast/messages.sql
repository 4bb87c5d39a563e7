-- One row per workflow, version, branch, day of entry and day: how many messages were accepted.
select
    workflow_id,
    version,
    branch,
    entered_at::date as entered,
    "at"::date as day,
    count(*)::bigint as n
from messages
group by all

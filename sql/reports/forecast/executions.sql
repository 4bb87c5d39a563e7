-- One row per workflow, version, branch, day of entry and day of end: how many executions; a null end: in flight.
select
    workflow_id,
    version,
    branch,
    entered_at::date as entered,
    ended_at::date as ended,
    count(*)::bigint as n
from executions
where status <> 'held_out'
group by all

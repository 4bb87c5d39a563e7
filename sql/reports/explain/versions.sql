-- One row per version of a workflow: since which instant it is there; null: from the first tick on.
select
    workflow_id,
    version,
    number,
    workflow_name,
    (select previous from ticks where now = first_seen_at) as since
from workflow_versions
where $customer is not null and $until is not null

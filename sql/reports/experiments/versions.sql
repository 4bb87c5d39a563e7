-- One row per version of a workflow, in the order in which they came.
select version, definition
from workflow_versions
where workflow_id = $workflow_id
order by number

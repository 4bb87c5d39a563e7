-- One row per workflow and version of $versions, with its definition.
select workflow_id, version, definition
from workflow_versions
where list_contains($versions::varchar[], version)

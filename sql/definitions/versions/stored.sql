-- One row per workflow and version of $versions, with its definition.
select workflow_id, version, definition
from workflow_versions
where version in (select value from json_each($versions))

-- One row: the next version of $workflow_id, numbered after those it has.
insert into workflow_versions (workflow_id, version, number, definition, workflow_name, first_seen_at, watches)
select $workflow_id, $version, count(*) + 1, $definition, $workflow_name, $first_seen_at, $watches
from workflow_versions
where workflow_id = $workflow_id

-- One row per workflow and version that was ever seen, by its number.
select workflow_id, number, version from workflow_versions order by workflow_id, number

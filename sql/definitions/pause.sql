-- Pauses the workflows with executions in flight that aren't active ($active), except of those whose file can't be read.
insert into paused
select distinct workflow_id
from in_flight
where
    workflow_id not in (select value from json_each($active))
    and workflow_id not in (select value from json_each($unreadable))
    and workflow_id not in (select workflow_id from paused)
returning workflow_id

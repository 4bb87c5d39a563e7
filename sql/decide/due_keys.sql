-- One row per customer, by the place of the document, of whom something is due until $now: a step of a workflow that isn't
-- paused, or a date that a schedule was armed for.
select key
from due
where
    at <= $now
    and workflow_id in (
        select '' as workflow_id
        union
        select workflow_id from in_flight where workflow_id not in (select workflow_id from paused)
    )

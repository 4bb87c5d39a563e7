-- One row per customer, by the place of the document, with an execution of $workflow_id in flight.
select distinct key from due where workflow_id = $workflow_id

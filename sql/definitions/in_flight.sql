-- One row: how many executions of $workflows are in flight.
select coalesce(sum(n), 0) from in_flight where workflow_id in (select value from json_each($workflows))

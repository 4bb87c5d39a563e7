-- One row per execution of the customers touched. Few of them are in flight; only of these are whole rows read.
create or replace temp table touched_executions as
select
    rowid as place,
    workflow_id,
    customer_id,
    entered_at,
    status in ('running', 'paused') as in_flight
from executions
semi join touched using (customer_id)

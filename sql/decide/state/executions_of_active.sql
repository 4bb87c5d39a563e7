-- One row per execution of active customers. Few of them are in flight; only of these are whole rows read.
create or replace temp table executions_of_active as
select
    rowid as place,
    workflow_id,
    customer_id,
    entered_at,
    status in ('running', 'paused') as in_flight
from executions
semi join active_customers using (customer_id)

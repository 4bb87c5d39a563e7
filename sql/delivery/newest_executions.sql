-- One row per workflow that the customer $customer has entered: their newest execution.
select
    workflow_id,
    arg_max(execution_id, entered_at) as execution_id,
    max(entered_at) as entered_at,
    arg_max(trigger_properties, entered_at) as trigger_properties
from executions
where customer_id = $customer and status <> 'held_out'
group by workflow_id

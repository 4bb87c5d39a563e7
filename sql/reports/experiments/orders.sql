-- One row per order or refund of a customer who entered a workflow.
select customer_id, ts, earned_at, cents
from orders
where customer_id in (select customer_id from executions where workflow_id = $workflow_id)

-- One row per logged outcome of a step of a customer's executions until an instant, in the order of the journey.
select steps.*
from steps
left join program_steps using (workflow_id, version, branch, step)
where customer_id = $customer and steps."at" <= $until
order by execution_id, steps."at", position, outcome = 'waiting' desc

-- One row per step of the versions that a customer had entered at an instant.
select program_steps.*
from program_steps
semi join (
    select workflow_id, version from executions where customer_id = $customer and entered_at <= $until
    union
    select workflow_id, version from steps where customer_id = $customer and "at" <= $until
) using (workflow_id, version)

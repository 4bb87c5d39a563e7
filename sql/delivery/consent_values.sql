-- One row per distinct value of the attributes $fields, with customers of pending messages and suppressed ones.
select distinct attributes.value
from attributes
semi join (
    select customer_id from messages where status in ('pending', 'unknown', 'failed')
    union
    select customer_id from suppressions
) as asked using (customer_id)
where list_contains($fields, attributes.attribute)

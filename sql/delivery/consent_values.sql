-- One row per distinct value of the attributes $fields, with the customers of pending messages.
select distinct attributes.value
from attributes
semi join (select customer_id from messages where status = 'pending') as pending using (customer_id)
where list_contains($fields, attributes.attribute)

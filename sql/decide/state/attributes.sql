-- One row per attribute of active customers that workflows see: one of $attributes, or any if they see $every one.
select customer_id, attribute, value, set_at
from attributes
semi join active_customers using (customer_id)
where $every or list_contains($attributes::varchar[], attribute)

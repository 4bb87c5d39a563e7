-- One row per attribute of the customers touched that workflows see: one of $attributes, or any if they see $every one.
select customer_id, attribute, value, set_at
from attributes
semi join touched using (customer_id)
where $every or list_contains($attributes::varchar[], attribute)

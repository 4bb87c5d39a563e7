-- One row per stored attribute of those that are being updated though no workflow sees them.
select customer_id, attribute, value, set_at
from attributes
semi join unread using (customer_id, attribute)

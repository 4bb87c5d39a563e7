-- One row per tag of the customers touched.
select customer_id, tag
from tags
semi join touched using (customer_id)

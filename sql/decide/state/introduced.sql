-- One row per customer whom the tick made known.
update profiles
set known = true, created_at = introduced.created_at
from introduced
where profiles.customer_id = introduced.customer_id

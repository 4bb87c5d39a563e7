-- One row per customer of $ids, as the table customers shows them.
select customer_id, email, created_at, timezone, tags, attributes
from customers
where customer_id in $ids
order by customer_id

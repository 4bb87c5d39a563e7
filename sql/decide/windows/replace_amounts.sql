-- Keeps `listed_amounts` instead of what there was of their customers.
delete from window_amounts
using listed_amounts
where window_amounts.customer_id = listed_amounts.customer_id;

insert into window_amounts
select customer_id, keys, amounts
from listed_amounts

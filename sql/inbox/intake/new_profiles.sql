-- One row per customer that only events mention so far: not known, without a profile row.
insert into profiles (customer_id, known, from_file)
select distinct customer_id, false, false
from batch
anti join profiles using (customer_id)
order by customer_id

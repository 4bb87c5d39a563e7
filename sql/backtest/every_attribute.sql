-- One row per attribute that a customer of the bucket has.
select customer_id, attribute, value, null::timestamptz as set_at
from given_attributes
where value <> 'null' and attribute not in ('customer_id', 'created_at')

-- One row per customer with a value of one of $attributes that new schedules look at.
select distinct customer_id
from everybody.attributes
where list_contains($attributes::varchar[], attribute) and value <> 'null'
union
select customer_id
from everybody.profiles
where list_contains($attributes::varchar[], 'created_at') and created_at is not null

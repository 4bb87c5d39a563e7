-- One row per customer, by the place of the document, with a value of one of $attributes that new schedules look at.
select customer_key
from everybody.attributes
where list_contains($attributes::varchar[], attribute) and value <> 'null'
union
select customer_key
from everybody.profiles
where list_contains($attributes::varchar[], 'created_at') and created_at is not null

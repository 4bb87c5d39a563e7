-- Adds those of `further` to `active_customers` that aren't among them.
insert into active_customers
select customer_id from further
except
select customer_id from active_customers

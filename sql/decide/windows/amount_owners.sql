-- One row per customer whose amounts are asked for: those of `watched_customers`, and all active ones if $of_active.
create or replace temp table amount_owners as
select customer_id from watched_customers
union
select customer_id from active_customers where $of_active

-- One row per customer whose amounts are asked for: those of `watched_customers`, and all touched if $of_touched.
create or replace temp table amount_owners as
select customer_id from watched_customers
union
select customer_id from touched where $of_touched

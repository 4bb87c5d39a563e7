-- No rows: everything that sums count, with sign 1.
create or replace temp view counted_executions as
select * exclude (customer_key, commit_id), 1 as sign from everybody.running
union all by name
select *, 1 as sign from everybody.ended;

create or replace temp view counted_steps as
select *, 1 as sign from everybody.steps;

create or replace temp view counted_messages as
select *, 1 as sign from everybody.messages

-- No rows: everything that sums count, under the names by which their files read it.
create temp view counted_executions as
select * replace (if(status = 'paused', 'running', status) as status), 1 as sign from executions;

create temp view counted_steps as
select *, 1 as sign from steps;

create temp view counted_messages as
select *, 1 as sign from messages

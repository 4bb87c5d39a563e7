-- No rows: the rows whose sums a commit changes, with sign 1 for those there are now and -1 for those there were.
create or replace temp view counted_executions as
select * replace (if(status = 'paused', 'running', status) as status), 1 as sign from executions
union all
select * replace ('running' as status), -1 from executions_before;

create or replace temp view counted_steps as
select *, 1 as sign from steps;

create or replace temp view counted_messages as
select * exclude (trigger_properties), 1 as sign from messages

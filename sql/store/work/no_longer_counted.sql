-- No rows: what is counted may be shown by the same names again.
drop view counted_executions;
drop view counted_steps;
drop view counted_messages

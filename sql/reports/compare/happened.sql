-- One row per thing that weeks are compared by: the workflow, what it is (measure), when it was.
--
-- entries leave out who was held out; conversions are goals reached, also where that didn't end the execution; messages are the
-- accepted ones.
select workflow_id, 'entries' as measure, entered_at as happened_at from executions where status <> 'held_out'
union all
select workflow_id, 'completions', ended_at from executions where status = 'completed'
union all
select workflow_id, 'conversions', converted_at from executions
union all
select workflow_id, 'messages', messages."at" from messages

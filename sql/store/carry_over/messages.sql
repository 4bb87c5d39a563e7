-- One row per message, with what rendering a pending one needs of its execution.
select messages.*, if(messages.status = 'pending', executions.trigger_properties, null) as trigger_properties
from old.messages as messages
left join old.executions as executions using (execution_id)

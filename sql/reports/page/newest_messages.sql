-- One row per workflow, branch, step, template and variant of sent messages: the one that was sent last.
select
    workflow_id,
    branch,
    step,
    template_id,
    variant,
    count(*) as sent,
    arg_max(message_id, (sent_at, message_id)) as message_id,
    max(sent_at) as sent_at
from messages
where status = 'sent'
group by all

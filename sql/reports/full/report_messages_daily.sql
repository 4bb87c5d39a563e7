-- One row per UTC day, workflow and template: what became of the sends that were due that day.
-- Counted over everything: what the view on sums must say. A refused send is one of its step in the version of then.
--
-- accepted = sent + suppressed_at_dispatch + expired + failed + unknown + pending. The suppressed_… columns
-- after these count sends that the gates refused, so that no message came to be; deferred those put off until sends
-- are allowed again. unknown: handed over, no answer.
with
    refused_sends as (
        select *
        from steps
        where action_type = 'send_email' and (outcome like 'suppressed:%' or outcome like 'deferred:%')
    ),

    accepted as (
        select
            (messages."at" at time zone 'UTC')::date as day,
            workflow_id,
            template_id,
            status as outcome
        from messages
    ),

    refused as (
        select
            (refused_sends."at" at time zone 'UTC')::date as day,
            refused_sends.workflow_id,
            program_steps.label as template_id,
            refused_sends.outcome
        from refused_sends
        left join program_steps using (workflow_id, version, branch, step)
    ),

    sends as (
        select * from accepted
        union all by name
        select * from refused
    ),

    final as (
        select
            day,
            workflow_id,
            template_id,
            count(*) filter (outcome not like 'suppressed:%' and outcome not like 'deferred:%') as accepted,
            count(*) filter (outcome = 'sent') as sent,
            count(*) filter (outcome = 'suppressed') as suppressed_at_dispatch,
            count(*) filter (outcome = 'expired') as expired,
            count(*) filter (outcome = 'failed') as failed,
            count(*) filter (outcome = 'unknown') as unknown,
            count(*) filter (outcome = 'pending') as pending,
            count(*) filter (outcome = 'suppressed:consent') as suppressed_consent,
            count(*) filter (outcome = 'suppressed:frequency_cap') as suppressed_frequency_cap,
            count(*) filter (outcome = 'suppressed:send_window') as suppressed_send_window,
            count(*) filter (outcome like 'deferred:%') as deferred
        from sends
        group by day, workflow_id, template_id
    )

select * from final
order by day, workflow_id, template_id

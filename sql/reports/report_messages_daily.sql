-- One row per UTC day, workflow and template: what became of the sends that were due that day.
--
-- accepted = sent + suppressed_at_dispatch + expired + failed + unknown + pending. The suppressed_… columns
-- after these count sends that the gates refused, so that no message came to be; deferred those put off until sends
-- are allowed again. unknown: handed over, no answer.
with
    messages as (select * from messages),

    executions as not materialized (select * from executions),

    program_steps as (select * from program_steps),

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

    places as (
        select workflow_id, branch, step, any_value(label) as label, count(distinct coalesce(label, '')) as labels
        from program_steps
        group by workflow_id, branch, step
    ),

    -- Of steps that are not the same in all versions, the execution says which one it was.
    changed as (
        select execution_id, refused_sends.step, program_steps.label
        from refused_sends
        semi join (from places where labels > 1) as several using (workflow_id, branch, step)
        join executions using (execution_id)
        join program_steps
            on program_steps.workflow_id = executions.workflow_id
            and program_steps.version = executions.version
            and program_steps.branch = executions.branch
            and program_steps.step = refused_sends.step
    ),

    refused as (
        select
            (refused_sends."at" at time zone 'UTC')::date as day,
            refused_sends.workflow_id,
            if(places.labels = 1, places.label, changed.label) as template_id,
            refused_sends.outcome
        from refused_sends
        left join places using (workflow_id, branch, step)
        left join changed using (execution_id, step)
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

-- One row per UTC day, workflow, outcome and reason: sends that a gate refused or put off, and messages not sent, or not yet.
--
-- suppressed and deferred at decision: the step's outcome, of which no message came (yet); at dispatch, failed, expired,
-- unknown and pending: the message's status, by its own instant. A send that was put off counts each time. Scanned: steps,
-- messages.
with
    gated as (
        select
            ("at" at time zone 'UTC')::date as day,
            workflow_id,
            'decision' as decided_by,
            split_part(outcome, ':', 1) as outcome,
            split_part(outcome, ':', 2) as reason,
            count(*) as messages
        from steps
        where action_type = 'send_email' and (outcome like 'suppressed:%' or outcome like 'deferred:%')
        group by all
    ),

    kept_back as (
        select
            ("at" at time zone 'UTC')::date as day,
            workflow_id,
            'dispatch' as decided_by,
            status as outcome,
            status_reason as reason,
            count(*) as messages
        from messages
        where status <> 'sent'
        group by all
    ),

    final as (
        from gated
        union all by name
        from kept_back
    )

select * from final
order by day, workflow_id, decided_by, outcome, reason

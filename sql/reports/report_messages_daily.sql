-- One row per UTC day, workflow and template: what became of the sends that were due that day.
--
-- accepted = sent + suppressed_at_dispatch + expired + failed + unknown + pending. The suppressed_… columns
-- after these count sends that the gates refused, so that no message came to be; deferred those put off until sends
-- are allowed again. unknown: handed over, no answer.
with
    sends as (
        select
            (parts ->> 0)::date as day,
            parts ->> 1 as workflow_id,
            parts ->> 2 as template_id,
            parts ->> 3 as outcome,
            n
        from sums
        where name = 'sends' and n <> 0
    ),

    final as (
        select
            day,
            workflow_id,
            template_id,
            coalesce(
                sum(n) filter (outcome not like 'suppressed:%' and outcome not like 'deferred:%'), 0
            )::bigint as accepted,
            coalesce(sum(n) filter (outcome = 'sent'), 0)::bigint as sent,
            coalesce(sum(n) filter (outcome = 'suppressed'), 0)::bigint as suppressed_at_dispatch,
            coalesce(sum(n) filter (outcome = 'expired'), 0)::bigint as expired,
            coalesce(sum(n) filter (outcome = 'failed'), 0)::bigint as failed,
            coalesce(sum(n) filter (outcome = 'unknown'), 0)::bigint as unknown,
            coalesce(sum(n) filter (outcome = 'pending'), 0)::bigint as pending,
            coalesce(sum(n) filter (outcome = 'suppressed:consent'), 0)::bigint as suppressed_consent,
            coalesce(sum(n) filter (outcome = 'suppressed:frequency_cap'), 0)::bigint as suppressed_frequency_cap,
            coalesce(sum(n) filter (outcome = 'suppressed:send_window'), 0)::bigint as suppressed_send_window,
            coalesce(sum(n) filter (outcome like 'deferred:%'), 0)::bigint as deferred
        from sends
        group by day, workflow_id, template_id
    )

select * from final
order by day, workflow_id, template_id

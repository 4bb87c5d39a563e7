-- One row per workflow, branch, step, template, variant and subject: what became of the messages that were sent.
--
-- Rates are percent of those sent; what isn't told by events (opened, clicked, …) counts as not done.
with
    counted as (
        select
            workflow_id,
            branch,
            step,
            template_id,
            variant,
            subject,
            count(*) as sent,
            count(delivered_at) as delivered,
            count(opened_at) as opened,
            count(clicked_at) as clicked,
            count(bounced_at) as bounced,
            count(complained_at) as complained,
            count(unsubscribed_at) as unsubscribed
        from message_engagement
        where status = 'sent'
        group by all
    ),

    final as (
        select
            *,
            100.0::double * opened / sent as open_rate,
            100.0::double * clicked / sent as click_rate,
            100.0::double * bounced / sent as bounce_rate
        from counted
    )

select * from final
order by workflow_id, branch, step, template_id, variant, subject

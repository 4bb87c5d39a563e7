-- One row per place where executions of $workflow_id in flight stand, and step under whose name one of them has sent.
with
    in_flight as (
        select execution_id, version, branch, coalesce(step, 'end') as step
        from executions
        where workflow_id = $workflow_id and status in ('running', 'paused') and version <> $version
    ),

    sent as (
        select execution_id, step from everybody.messages
        union
        select execution_id, step from everybody.webhooks
    ),

    final as (
        select distinct in_flight.version, in_flight.branch, in_flight.step, sent.step as sent
        from in_flight
        join sent using (execution_id)
    )

select * from final

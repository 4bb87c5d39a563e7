-- One row per execution in flight: where it waits, since when and until when.
--
-- since: when it last did something, or entered; until: when it goes on, null where only an event can let it. Of a paused
-- workflow nobody goes on.
with
    in_flight as (
        select execution_standing.*, executions.due_at
        from execution_standing
        join executions using (execution_id)
        where executions.status in ('running', 'paused')
    ),

    last_done as (
        select execution_id, max("at") as since
        from steps
        semi join in_flight using (execution_id)
        group by execution_id
    ),

    final as (
        select
            in_flight.workflow_id,
            in_flight.version,
            in_flight.branch,
            in_flight.step,
            program_steps.action_type,
            program_steps.label,
            in_flight.customer_id,
            in_flight.execution_id,
            in_flight.status,
            coalesce(last_done.since, in_flight.entered_at) as since,
            in_flight.due_at as until
        from in_flight
        left join last_done using (execution_id)
        left join program_steps using (workflow_id, version, branch, step)
    )

select * from final

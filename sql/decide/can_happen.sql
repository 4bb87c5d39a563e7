-- One row if something may happen until $now without a new event: a step is due, or there are patterns or schedules, of
-- $versions or of those that executions are on.
with
    due as (select execution_id from executions where status = 'running' and due_at <= $now limit 1),

    in_flight as (select version from executions where status in ('running', 'paused')),

    acting_alone as (
        select version
        from workflow_versions
        where watches and (list_contains($versions::varchar[], version) or version in (select version from in_flight))
    ),

    final as (
        select execution_id from due
        union all
        select version from acting_alone
    )

select * from final limit 1

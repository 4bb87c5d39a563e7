-- One row per version, branch and step at which executions of $workflow_id in flight stand; not those on $version.
with
    in_flight as (
        select * from executions
        where workflow_id = $workflow_id and status in ('running', 'paused') and version <> $version
    ),

    versions as (select version, number from workflow_versions where workflow_id = $workflow_id),

    final as (
        select
            versions.number,
            in_flight.version,
            in_flight.branch,
            coalesce(in_flight.step, 'end') as step,
            count(*) as executions,
            min(in_flight.due_at) as due
        from in_flight
        join versions using (version)
        group by all
    )

select * from final order by number, branch, step

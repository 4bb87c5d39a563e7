-- One row per instant of $instants and workflow that was active by the last tick until then, else by the first: its version.
with
    instants as (
        select unnest($instants::timestamptz[]) as instant
    ),

    decided as (
        select instants.instant, coalesce(ticks.basis, (select arg_min(basis, tick_id) from ticks)) as basis
        from instants
        asof left join ticks on instants.instant >= ticks.now
    ),

    current as (
        select instant, unnest((basis -> 0)::varchar[][]) as one
        from decided
    ),

    final as (
        select current.instant, workflow_versions.workflow_id, workflow_versions.version
        from current
        join workflow_versions
            on workflow_versions.workflow_id = current.one[1] and workflow_versions.version = current.one[2]
        where coalesce(workflow_versions.definition ->> 'is_active', 'true') = 'true'
    )

select * from final

-- One row per goal hit that reports count: of entries that were reconsidered those of the reconsidered goal, of all others those
-- that ticks found.
with
    decided as (select * from goal_hits),

    reconsidered as (select * from goal_hits_reconsidered),

    final as (
        select execution_id, workflow_id, customer_id, entered_at, "at", event_id, 'as decided' as goal_counted
        from decided
        anti join goal_reconsiderations as counted
            on
                counted.workflow_id = decided.workflow_id
                and decided.entered_at between coalesce(counted.since, '-infinity') and counted.until
        union all by name
        select execution_id, workflow_id, customer_id, entered_at, "at", event_id, 'reconsidered' as goal_counted
        from reconsidered
    )

select *, "at" as acted_at from final

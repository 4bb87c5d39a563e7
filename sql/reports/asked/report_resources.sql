-- One row per workflow: how much of the store it makes.
--
-- Executions and steps are those sums that are kept, so nothing is scanned for them; messages, webhooks, goal_hits and
-- entry_refusals are counted. pct_of_rows is the workflow's share of all these rows. Seconds and bytes aren't known by
-- workflow: a tick decides all workflows in one pass (its seconds are in `ticks`), and a file of the ledger holds rows of all
-- (its bytes are in `internal.files`).
with
    sums_of as (
        select
            parts ->> 0 as workflow_id,
            sum(n) filter (name = 'executions') as executions,
            sum(n) filter (name = 'steps') as steps
        from sums
        where name in ('executions', 'steps')
        group by all
    ),

    counted as (
        select workflow_id, 'messages' as of, count(*) as n from messages group by workflow_id
        union all
        select workflow_id, 'webhooks', count(*) from webhooks group by workflow_id
        union all
        select workflow_id, 'goal_hits', count(*) from goal_hits group by workflow_id
        union all
        select workflow_id, 'entry_refusals', count(*) from entry_refusals group by workflow_id
    ),

    others as (
        select
            workflow_id,
            sum(n) filter (of = 'messages') as messages,
            sum(n) filter (of = 'webhooks') as webhooks,
            sum(n) filter (of = 'goal_hits') as goal_hits,
            sum(n) filter (of = 'entry_refusals') as entry_refusals
        from counted
        group by workflow_id
    ),

    workflows as (
        select workflow_id, count(*) as versions
        from workflow_versions
        group by workflow_id
    ),

    all_rows as (
        select
            workflows.workflow_id,
            workflows.versions,
            coalesce(sums_of.executions, 0)::bigint as executions,
            coalesce(sums_of.steps, 0)::bigint as steps,
            coalesce(others.messages, 0)::bigint as messages,
            coalesce(others.webhooks, 0)::bigint as webhooks,
            coalesce(others.goal_hits, 0)::bigint as goal_hits,
            coalesce(others.entry_refusals, 0)::bigint as entry_refusals
        from workflows
        left join sums_of using (workflow_id)
        left join others using (workflow_id)
    ),

    final as (
        select
            *,
            executions + steps + messages + webhooks + goal_hits + entry_refusals as rows,
            100.0::double * rows / nullif(sum(rows) over (), 0) as pct_of_rows
        from all_rows
    )

select * from final
order by workflow_id

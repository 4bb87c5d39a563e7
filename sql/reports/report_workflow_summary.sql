-- One row per workflow: how many customers went through it and how their passes ended.
--
-- total_executions leaves out held_out (the control group took no step) and is the sum of completed, failed,
-- active, converted and exited. conversions also counts goals that didn't end the execution; rates are
-- percentages of total_executions, null without any. The name is that of the newest version. average_… is exact;
-- median_… and p95_… are within 1.6 percent: the exact mean of the bin that holds the customer in the middle, or the one
-- whom 95 percent don't exceed, and a bin is at most a 64th of its least duration wide.
with
    kept as (select * from sums where n <> 0),

    workflows as (
        select workflow_id, arg_max(workflow_name, number) as workflow_name
        from workflow_versions
        group by workflow_id
    ),

    executions as (select parts ->> 0 as workflow_id, parts ->> 3 as status, n from kept where name = 'executions'),

    counts as (
        select
            workflow_id,
            coalesce(sum(n) filter (status <> 'held_out'), 0)::bigint as total_executions,
            coalesce(sum(n) filter (status = 'completed'), 0)::bigint as completed,
            coalesce(sum(n) filter (status = 'failed'), 0)::bigint as failed,
            coalesce(sum(n) filter (status = 'running'), 0)::bigint as active,
            coalesce(sum(n) filter (status = 'converted'), 0)::bigint as converted,
            coalesce(sum(n) filter (status = 'exited'), 0)::bigint as exited,
            coalesce(sum(n) filter (status = 'held_out'), 0)::bigint as held_out
        from executions
        group by workflow_id
    ),

    entries as (
        select parts ->> 0 as workflow_id, first as first_entry, last as last_entry from kept where name = 'entries'
    ),

    bins as (
        select
            parts ->> 0 as workflow_id,
            parts ->> 1 as kind,
            (parts ->> 2)::bigint as bin,
            n,
            total + n * bin::hugeint as took,
            sum(n) over (partition by workflow_id, kind order by bin) as upto,
            sum(n) over (partition by workflow_id, kind) as of_all
        from kept
        where name = 'durations'
    ),

    durations as (
        select
            workflow_id,
            kind,
            sum(n)::bigint as n,
            sum(took) / sum(n) / 1e6 as average,
            arg_min(took / n / 1e6, bin) filter (upto * 2 >= of_all) as median,
            arg_min(took / n / 1e6, bin) filter (upto * 100 >= of_all * 95) as p95
        from bins
        group by workflow_id, kind
    ),

    completions as (select * from durations where kind = 'completion'),

    conversions as (select * from durations where kind = 'conversion'),

    final as (
        select
            workflow_id,
            workflows.workflow_name,
            coalesce(counts.total_executions, 0) as total_executions,
            coalesce(counts.completed, 0) as completed,
            coalesce(counts.failed, 0) as failed,
            coalesce(counts.active, 0) as active,
            coalesce(counts.converted, 0) as converted,
            coalesce(counts.exited, 0) as exited,
            coalesce(counts.held_out, 0) as held_out,
            coalesce(conversions.n, 0) as conversions,
            100.0::double * counts.completed / nullif(counts.total_executions, 0) as completion_rate,
            100.0::double * counts.failed / nullif(counts.total_executions, 0) as failure_rate,
            100.0::double * coalesce(conversions.n, 0) / nullif(counts.total_executions, 0) as conversion_rate,
            completions.average as average_execution_seconds,
            entries.first_entry,
            entries.last_entry,
            completions.median as median_execution_seconds,
            completions.p95 as p95_execution_seconds,
            conversions.median as median_conversion_seconds,
            conversions.p95 as p95_conversion_seconds
        from workflows
        full join counts using (workflow_id)
        left join entries using (workflow_id)
        left join completions using (workflow_id)
        left join conversions using (workflow_id)
    )

select * from final
order by workflow_id

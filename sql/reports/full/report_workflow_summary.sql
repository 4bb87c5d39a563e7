-- One row per workflow: how many customers went through it and how their passes ended.
-- Counted over everything: what the view on sums must say, whose medians and 95th percentiles are within 2 percent.
--
-- total_executions leaves out held_out (the control group took no step) and is the sum of completed, failed,
-- active, converted and exited. conversions also counts goals that didn't end the execution; rates are
-- percentages of total_executions, null without any. The name is that of the newest version.
with
    workflow_versions as (select * from workflow_versions),

    executions as (
        select
            *,
            if(status = 'completed', epoch_us(ended_at) - epoch_us(entered_at), null) as completion,
            epoch_us(converted_at) - epoch_us(entered_at) as conversion
        from executions
    ),

    workflows as (
        select workflow_id, arg_max(workflow_name, number) as workflow_name
        from workflow_versions
        group by workflow_id
    ),

    counts as (
        select
            workflow_id,
            count(*) filter (status <> 'held_out') as total_executions,
            count(*) filter (status = 'completed') as completed,
            count(*) filter (status = 'failed') as failed,
            count(*) filter (status in ('running', 'paused')) as active,
            count(*) filter (status = 'converted') as converted,
            count(*) filter (status = 'exited') as exited,
            count(*) filter (status = 'held_out') as held_out,
            count(*) filter (converted_at is not null) as conversions,
            sum(completion) / count(completion) / 1e6 as average_execution_seconds,
            min(entered_at) filter (status <> 'held_out') as first_entry,
            max(entered_at) filter (status <> 'held_out') as last_entry,
            quantile_disc(completion, 0.5) / 1e6 as median_execution_seconds,
            quantile_disc(completion, 0.95) / 1e6 as p95_execution_seconds,
            quantile_disc(conversion, 0.5) / 1e6 as median_conversion_seconds,
            quantile_disc(conversion, 0.95) / 1e6 as p95_conversion_seconds
        from executions
        group by workflow_id
    ),

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
            coalesce(counts.conversions, 0) as conversions,
            100.0::double * counts.completed / nullif(counts.total_executions, 0) as completion_rate,
            100.0::double * counts.failed / nullif(counts.total_executions, 0) as failure_rate,
            100.0::double * counts.conversions / nullif(counts.total_executions, 0) as conversion_rate,
            counts.average_execution_seconds,
            counts.first_entry,
            counts.last_entry,
            counts.median_execution_seconds,
            counts.p95_execution_seconds,
            counts.median_conversion_seconds,
            counts.p95_conversion_seconds
        from workflows
        full join counts using (workflow_id)
    )

select * from final
order by workflow_id

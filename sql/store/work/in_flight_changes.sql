-- One row per workflow and version with more or fewer executions in flight than before.
with
    each as (
        select workflow_id, version, 1 as n from executions where status in ('running', 'paused')
        union all
        select workflow_id, version, -1 from executions_before
    )

select workflow_id, version, sum(n)::bigint as n from each group by all having sum(n) <> 0

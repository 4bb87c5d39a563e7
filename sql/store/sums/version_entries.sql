-- One row per workflow and version: all executions of it, held out or not; when the first and the last of them entered.
--
-- parts: workflow_id, version. An execution that was moved to another version counts there.
with
    entered as (
        select workflow_id, version, sum(sign)::bigint as n, min(entered_at) as first, max(entered_at) as last
        from counted_executions
        group by workflow_id, version
    ),

    final as (
        select json_array(workflow_id, version)::varchar as parts, n, 0::hugeint as total, first, last
        from entered
    )

select * from final

-- One row per workflow: the executions that weren't held out; when the first and the last of them entered.
--
-- parts: workflow_id.
with
    entered as (
        select workflow_id, sum(sign)::bigint as n, min(entered_at) as first, max(entered_at) as last
        from counted_executions
        where status <> 'held_out'
        group by workflow_id
    ),

    final as (
        select json_array(workflow_id)::varchar as parts, n, 0::hugeint as total, first, last
        from entered
    )

select * from final

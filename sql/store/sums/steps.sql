-- One row per workflow, version, branch, step, its type and outcome: how often it was logged.
--
-- parts: workflow_id, version, branch, step, action_type, outcome.
with
    counted as (
        select workflow_id, version, branch, step, action_type, outcome, sum(sign)::bigint as n
        from counted_steps
        group by all
    ),

    final as (
        select
            json_array(workflow_id, version, branch, step, action_type, outcome)::varchar as parts,
            n,
            0::hugeint as total,
            null::timestamptz as first,
            null::timestamptz as last
        from counted
    )

select * from final

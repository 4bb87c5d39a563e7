-- One row per UTC day, workflow, template and outcome: how many sends were due then, accepted or refused by a gate.
--
-- parts: day, workflow_id, template_id, outcome. The outcome of a message is its status. The template of a refused send is
-- the label of its step, in the version by which it was logged.
with
    accepted as (
        select
            ("at" at time zone 'UTC')::date as day,
            workflow_id,
            template_id,
            status as outcome,
            sum(sign)::bigint as n
        from counted_messages
        group by all
    ),

    refused as (
        select ("at" at time zone 'UTC')::date as day, workflow_id, version, branch, step, outcome, sum(sign)::bigint as n
        from counted_steps
        where action_type = 'send_email' and (outcome like 'suppressed:%' or outcome like 'deferred:%')
        group by all
    ),

    sends as (
        select * from accepted
        union all
        select day, workflow_id, label, outcome, n
        from refused
        left join program_steps using (workflow_id, version, branch, step)
    ),

    final as (
        select
            json_array(day::varchar, workflow_id, template_id, outcome)::varchar as parts,
            sum(n)::bigint as n,
            0::hugeint as total,
            null::timestamptz as first,
            null::timestamptz as last
        from sends
        group by day, workflow_id, template_id, outcome
    )

select * from final

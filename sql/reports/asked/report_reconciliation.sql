-- One row per value that isn't kept as it is counted anew over everything: none, if all is well.
--
-- Of the sums each measure, of the reports made of them each row as JSON, of executions where they are held, as `onward
-- reconcile` tells them, which also compares rounded medians and asks the send ledger. {…}: the query that counts it, from the
-- file of that name. Scanned: executions, steps and messages, several times.
with
    counted_executions as not materialized (
        select * replace (if(status = 'paused', 'running', status) as status), 1 as sign from executions
    ),

    counted_steps as not materialized (select *, 1 as sign from steps),

    counted_messages as not materialized (select *, 1 as sign from messages),

    counted_sums as (from ({sums})),

    kept_measures as (
        select
            name,
            parts,
            unnest(['n', 'total', 'first', 'last']) as measure,
            unnest([n::varchar, total::hugeint::varchar, first::varchar, last::varchar]) as kept
        from sums
        where n <> 0 or total::hugeint <> 0
    ),

    counted_measures as (
        select
            name,
            parts,
            unnest(['n', 'total', 'first', 'last']) as measure,
            unnest([n::varchar, total::hugeint::varchar, first::varchar, last::varchar]) as counted
        from counted_sums
    ),

    kept_rows as (
        select
            'report_drop_off' as name,
            json_array(workflow_id, branch, step)::varchar as parts,
            to_json(kept)::varchar as kept
        from report_drop_off as kept
        union all
        select 'report_messages_daily', json_array(day, workflow_id, template_id)::varchar, to_json(kept)::varchar
        from report_messages_daily as kept
        union all
        select 'report_workflow_summary', json_array(workflow_id)::varchar, to_json(kept)::varchar
        from (select columns(lambda name: not regexp_matches(name, '^(median|p95)_')) from report_workflow_summary) as kept
    ),

    counted_rows as (
        select
            'report_drop_off' as name,
            json_array(workflow_id, branch, step)::varchar as parts,
            to_json(counted)::varchar as counted
        from ({report_drop_off}) as counted
        union all
        select 'report_messages_daily', json_array(day, workflow_id, template_id)::varchar, to_json(counted)::varchar
        from ({report_messages_daily}) as counted
        union all
        select 'report_workflow_summary', json_array(workflow_id)::varchar, to_json(counted)::varchar
        from (
            select columns(lambda name: not regexp_matches(name, '^(median|p95)_')) from ({report_workflow_summary})
        ) as counted
    ),

    final as (
        select name, parts, measure, kept, counted
        from kept_measures
        full join counted_measures using (name, parts, measure)
        where kept is distinct from counted
        union all
        select name, parts, 'row', kept, counted
        from kept_rows
        full join counted_rows using (name, parts)
        where kept is distinct from counted
        union all
        select 'held_by', json_object('execution_id', execution_id)::varchar, 'held_by', kept, counted
        from ({held_by})
    )

select * from final
order by name, parts, measure

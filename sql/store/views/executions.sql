-- One row per execution: one customer's pass through one workflow, and where it stands (or stood when it ended).
with
    running as (select * exclude (customer_key, commit_id) from internal.running),

    paused as (select workflow_id, 'paused' as status from internal.paused),

    final as (
        select * from internal.ended
        union all by name
        select running.* replace (coalesce(paused.status, running.status) as status)
        from running
        left join paused using (workflow_id)
    )

select * from final

-- One row per step of each workflow's newest version, in file order.
with
    newest as (
        select workflow_id, arg_max(version, number) as version from workflow_versions group by workflow_id
    ),

    final as (
        select workflow_id, branch, step, position, action_type, label
        from program_steps
        join newest using (workflow_id, version)
    )

select * from final
order by workflow_id, branch, position

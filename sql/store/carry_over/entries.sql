-- One row per workflow and customer who ever entered it: the last entry; with properties where a goal refers to them.
with
    referring as (
        select version
        from old.workflow_versions
        where (definition::json -> '$.goal.config')::varchar like '%{"from":%'
    ),

    last as (
        select
            workflow_id,
            arg_max(version, entered_at) as version,
            customer_id,
            max(entered_at) as entered_at,
            arg_max(trigger_properties, entered_at) as properties
        from old.executions
        group by workflow_id, customer_id
    )

select * replace (if(version in (from referring), properties, null) as properties)
from last

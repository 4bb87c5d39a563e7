-- One row per execution, with the step that holds it: the last one logged, if that is a wait or failed.
with
    between_steps as (
        select execution_id, workflow_id, version, branch
        from old.executions
        where phase = 'due' or status = 'failed'
    ),

    last_logged as (
        select
            between_steps.execution_id,
            arg_max(steps.step, program_steps.position) as step,
            arg_max(steps.action_type, program_steps.position) as action_type,
            arg_max(steps.outcome, program_steps.position) as outcome
        from old.steps as steps
        join between_steps using (execution_id)
        join old.program_steps as program_steps
            on program_steps.workflow_id = between_steps.workflow_id
            and program_steps.version = between_steps.version
            and program_steps.branch = between_steps.branch
            and program_steps.step = steps.step
        where steps.outcome not like 'deferred:%'
        group by between_steps.execution_id
    ),

    held as (
        select execution_id, step as held_by
        from last_logged
        where (action_type = 'wait' and outcome = 'done') or outcome like 'failed:%'
    )

select executions.*, held.held_by
from old.executions as executions
left join held using (execution_id)

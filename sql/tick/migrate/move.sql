-- Moves the executions in flight of $workflow_id to $version, as `moves` says; what has no instant yet is due at $at.
update executions
set
    version = $version,
    branch = moves.to_branch,
    step = nullif(moves.to_step, 'end'),
    phase = case when moves.resets then 'due' else executions.phase end,
    held_by = case
        when moves.branch = moves.to_branch and executions.held_by in (
            select program_steps.step
            from program_steps
            where
                program_steps.workflow_id = $workflow_id
                and program_steps.version = $version
                and program_steps.branch = moves.to_branch
        ) then executions.held_by
    end,
    due_at = case when moves.resets then coalesce(executions.due_at, $at) else executions.due_at end
from moves
where
    executions.workflow_id = $workflow_id
    and executions.status in ('running', 'paused')
    and executions.version = moves.version
    and executions.branch = moves.branch
    and coalesce(executions.step, 'end') = moves.step

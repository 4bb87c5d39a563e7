-- One row per reconsidered goal of the workflow, so one or none: until when it was.
select until from goal_reconsiderations where workflow_id = $workflow_id

-- One row, or none: until when a workflow's goal was reconsidered.
select until from goal_reconsiderations where workflow_id = $workflow_id

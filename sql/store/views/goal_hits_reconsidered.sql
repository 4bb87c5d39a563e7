-- One row per fact that reached a reconsidered goal, of entries that were reconsidered.
select hits.*, hits."at" as acted_at, counted.version, counted.reconsidered_at
from internal.goal_hits_reconsidered as hits
join goal_reconsiderations as counted using (workflow_id)

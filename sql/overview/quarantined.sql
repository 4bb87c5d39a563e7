-- One row: how many input rows were ever refused, and how many of them by the tick that ended at $now.
select coalesce(sum(quarantined), 0), coalesce(sum(case when loaded_at = $now then quarantined end), 0)
from batches

-- One row: how many entries of $workflow_id there are from $since (null: the first) until $until, and which, as one number.
select count(*) as entries, coalesce(bit_xor(hash(execution_id)), 0) as which
from (from everybody.running union all by name from everybody.ended)
where workflow_id = $workflow_id and entered_at between coalesce($since::timestamptz, '-infinity') and $until

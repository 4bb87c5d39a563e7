-- No rows yet: one per batch that is archived and not part of the state yet will come.
create or replace temp table archived_batches as
from batches limit 0

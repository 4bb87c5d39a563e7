-- One row per good row of what is staged, in its order: its line and the canonical columns.
select * exclude (reason, row)
from staged
where reason is null

-- One row per good row of what is staged: its line and the canonical columns.
select * exclude (reason, row, batch_order)
from staged
where reason is null
order by line

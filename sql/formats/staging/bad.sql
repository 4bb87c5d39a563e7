-- One row per bad row of a staged table or view: where it stood, why it is bad, and the row as it was given.
select file, line, reason, row
from found
where reason is not null
order by line

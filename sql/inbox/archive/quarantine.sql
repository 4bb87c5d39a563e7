-- One row per bad row of what is judged: the batch, where it stood, why it is bad, and the row as it was given.
select batch_id, file, line, reason, row
from judged
where reason is not null
order by batch_id, line

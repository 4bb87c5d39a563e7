-- One row per bad row of a batch, from the file $bad of the archive.
insert into quarantine
select $batch, file, line, reason, row, $now
from read_parquet($bad)

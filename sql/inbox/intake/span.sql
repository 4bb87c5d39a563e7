-- One row: the first and the last instant of the events of the archived batch $file.
select min(ts) as earliest, max(ts) as latest
from read_parquet($file)

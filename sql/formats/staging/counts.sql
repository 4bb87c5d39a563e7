-- One row: how many rows a staged table or view has, and how many of them are bad.
select count(*) as row_count, count(reason) as bad
from query_table($staged)

-- One row per column of a Parquet file, in its order: the name, and the type as DuckDB calls it.
select column_name, column_type
from (describe select * exclude (file_row_number) from read_parquet($file, file_row_number = true))

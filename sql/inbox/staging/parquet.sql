-- One row per row of a Parquet file of another shape: its object; nulls mean absent.
select
    file_row_number + 1 as line,
    row_of(whole) as row,
    null::varchar as fault,
    without_nulls(row_of(whole)) as body
from source

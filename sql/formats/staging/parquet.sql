-- One row per row of a Parquet file: its object, in which nulls are absent, or why it holds none.
select
    file_row_number + 1 as line,
    object as row,
    case when is_broken is true then 'encoding' end as fault,
    case when is_broken is not true then object::json end as body
from source

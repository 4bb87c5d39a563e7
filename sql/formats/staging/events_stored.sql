-- One row per row of a Parquet file whose rows are all canonical as they stand.
select
    file_row_number + 1 as line,
    null::varchar as reason,
    null::varchar as row,
    false as anonymous,
    event_id,
    null::varchar as older_id,
    customer_id,
    ts,
    type,
    name,
    value,
    properties,
    attributes,
    received_at
from source

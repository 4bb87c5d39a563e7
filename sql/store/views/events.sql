-- One row per event of every committed batch, read from the Parquet archive.
select event_id, customer_id, ts, type, name, value, properties, attributes, received_at
from {archive}

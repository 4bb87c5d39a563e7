-- One row per input row that was refused, with the reason and the row as it was given.
create table quarantine (
    batch_id bigint,
    file varchar,
    line bigint,
    reason varchar,
    row varchar,
    quarantined_at timestamptz
)

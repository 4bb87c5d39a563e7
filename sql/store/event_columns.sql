-- One row per event of an archive file: no rows, only the columns and their types.
select
    null::varchar as event_id,
    null::varchar as customer_id,
    null::timestamptz as ts,
    null::varchar as type,
    null::varchar as name,
    null::double as value,
    null::varchar as properties,
    null::varchar as attributes,
    null::timestamptz as received_at
where false

-- One row per behavioral event in $files of one of $names, after $after and until $until.
select
    event_id,
    customer_id,
    ts,
    ts as "at",
    name,
    value,
    true as acts,
    false as fresh
from read_parquet($files::varchar[])
where
    ts > coalesce($after, '-infinity'::timestamptz)
    and ts <= $until
    and type = 'behavioral'
    and list_contains($names::varchar[], name)

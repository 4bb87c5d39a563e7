-- No rows: the quarantine of files without bad rows.
select null::varchar as file, null::bigint as line, null::varchar as reason, null::varchar as row
limit 0

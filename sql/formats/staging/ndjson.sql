-- One row per non-blank line of a block of an NDJSON file: what may be its object, or why it holds none. Whether an object can
-- be read is left to who reads it (`unread`), because to look takes as long as to read.
with block as (
    select * from staging_block
),

checked as (
    select
        line,
        text as row,
        case
            when fault is null and left(text, 1) = '{' and strlen(text) < 4 * getvariable('staging_columns') then null
            when trim(text, e' \t\r\n') = '' then 'blank'
            when fault is not null then fault
            when not json_valid(text) then 'not_json'
            when json_type(text) <> 'OBJECT' then 'not_an_object: ' || json_type(text)
            when len(json_keys(text)) > getvariable('staging_columns')
                then 'too_many_fields: ' || len(json_keys(text)) || ' > ' || getvariable('staging_columns')
        end as fault
    from block
),

final as (
    select line, row, fault, case when fault is null then row end as body
    from checked
    where fault is distinct from 'blank'
)

select * from final

-- One row per non-blank line of a block of an NDJSON file: its object, or why it holds none.
with block as (
    select * from staging_block
),

parsed as (
    select *, fault is null and json_valid(text) as is_json from block
),

checked as (
    select
        line,
        text as row,
        case
            when is_json and left(text, 1) = '{' and strlen(text) < 4 * getvariable('staging_columns') then null
            when trim(text, e' \t\r\n') = '' then 'blank'
            when fault is not null then fault
            when not is_json then 'not_json'
            when json_type(text) <> 'OBJECT' then 'not_an_object: ' || json_type(text)
            when len(json_keys(text)) > getvariable('staging_columns')
                then 'too_many_fields: ' || len(json_keys(text)) || ' > ' || getvariable('staging_columns')
        end as fault
    from parsed
),

final as (
    select line, row, fault, case when fault is null then row end as body
    from checked
    where fault is distinct from 'blank'
)

select * from final

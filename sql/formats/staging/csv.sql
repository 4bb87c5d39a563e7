-- One row per record of a block of a CSV file: an object of its cells that aren't blank, or why it holds none.
with block as (
    select * from staging_block
),

objects as (
    select
        *,
        '{' || array_to_string(list_transform(
            cells,
            lambda given, place: getvariable('staging_keys')[place]
                || case getvariable('staging_kinds')[place]
                    when 'text' then text_cell(given)
                    when 'number' then number_cell(given)
                    else cell(given)
                end
        ), ',') || '}' as object
    from block
),

final as (
    select line, row, fault, case when fault is null then object::json end as body
    from objects
)

select * from final

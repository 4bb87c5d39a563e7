-- One row per column of a block of a CSV file, of those that may still be other than text, and kind of its cells.
with cells as (
    select unnest(getvariable('staging_undecided')) as place, cells
    from staging_block
    where fault is null
),

final as (
    select distinct place, cell_kind(cells[place]) as kind
    from cells
    where trim(cells[place]) <> ''
)

select * from final

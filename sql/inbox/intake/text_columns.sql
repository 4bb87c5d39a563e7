-- One row per column that CSV files of this kind showed to be text, those that are archived and not yet loaded too.
with
    batched as (
        select kind, text_columns from batches
        union all
        select kind, text_columns from archived_batches
    ),

    final as (
        select distinct unnest(text_columns) as name
        from batched
        where kind = $kind
    )

select * from final

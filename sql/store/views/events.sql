-- One row per event of every committed batch, read from the Parquet archive.
with
    archived as (select * from read_parquet({archive}, filename = true, union_by_name = true)),

    batches as (select * from batches where kind = 'events'),

    final as (
        select
            event_id, customer_id, ts, type, name, value, properties, attributes, received_at
        from archived
        semi join batches on parse_filename(archived.filename) = parse_filename(batches.archive)
    )

select * from final

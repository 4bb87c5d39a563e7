-- One row per Parquet file ($files) in which one customer's rows aren't found quickly: its row groups overlap in their
-- customers, or have more than $most rows.
with
    row_groups as (
        select
            file_name,
            row_group_num_rows,
            stats_min_value,
            max(stats_max_value) over earlier as before
        from parquet_metadata($files)
        where path_in_schema = 'customer_id'
        window earlier as (
            partition by file_name order by row_group_id rows between unbounded preceding and 1 preceding
        )
    )

select distinct file_name from row_groups where row_group_num_rows > $most or stats_min_value < before

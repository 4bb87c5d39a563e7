-- One row per row of a Parquet file with canonical columns and types that isn't a canonical customer as it
-- stands: to be quarantined, or with something to trim, sort or fill in.
with stored as (
    select * from source
),

final as (
    select file_row_number
    from stored
    where not coalesce(
        is_id(customer_id)
        and (created_at is null or is_bounded(created_at))
        and (email is null or (email <> '' and is_trimmed(email)))
        and (timezone is null or (timezone <> '' and is_trimmed(timezone)))
        and (attributes is null or (
            left(attributes, 1) = '{' and json_valid(attributes) and not ($closely and has_non_finite(attributes))
            and not coalesce(names_tags(attributes), false)
        ))
        and case
            when coalesce(len(tags), 0) = 0 then true
            else tags = list_sort(list_distinct(list_filter(
                list_transform(tags, lambda tag: trim(tag)), lambda tag: tag <> ''
            )))
        end,
        false
    )
)

select * from final

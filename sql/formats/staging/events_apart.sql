-- One row per row of a Parquet file with canonical columns and types that isn't canonical as it stands: to be
-- quarantined, or with something to trim or fill in. Numbers that JSON hasn't, and damage of columns for which statistics
-- answer, are looked for only if $closely: it takes as long as all else, and those who read the rows find them too.
with stored as (
    select * from source
),

final as (
    select file_row_number
    from stored
    where not coalesce(
        is_id(event_id)
        and is_id(customer_id)
        and is_bounded(ts)
        and case when $closely then hash(ts, type, received_at) is not null else true end
        and is_type(type)
        and (name = '' or is_trimmed(name))
        and (name not in ('', 'tags') or type <> 'attribute_change')
        and isfinite(coalesce(value, 0))
        and properties >= '{' and properties < '|'
        and suffix(properties, '}')
        and json_valid(properties)
        and not ($closely and has_non_finite(properties))
        and case
            when attributes is null then true
            else left(attributes, 1) = '{'
                and suffix(attributes, '}')
                and json_valid(attributes)
                and not coalesce(names_tags(attributes), false)
                and not ($closely and has_non_finite(attributes))
        end
        and (received_at is null or is_bounded(received_at)),
        false
    )
)

select * from final

-- One row per row of a Parquet file with canonical columns and types that isn't canonical as it stands: to be
-- quarantined, or with something to trim or fill in. Numbers that JSON hasn't count only if $numbers; without it they are
-- left to those who read the object, because looking for them takes as long as all else.
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
        -- Statistics may answer for these columns: read them all the same, so that damage shows now.
        and hash(ts, type, received_at) is not null
        and type in ('behavioral', 'attribute_change', 'external_event', 'time_based')
        and (name = '' or is_trimmed(name))
        and (name not in ('', 'tags') or type <> 'attribute_change')
        and isfinite(coalesce(value, 0))
        and left(properties, 1) = '{'
        and suffix(properties, '}')
        and json_valid(properties)
        and not ($numbers and has_non_finite(properties))
        and case
            when attributes is null then true
            else left(attributes, 1) = '{'
                and suffix(attributes, '}')
                and json_valid(attributes)
                and not coalesce(names_tags(attributes), false)
                and not ($numbers and has_non_finite(attributes))
        end
        and (received_at is null or is_bounded(received_at)),
        false
    )
)

select * from final

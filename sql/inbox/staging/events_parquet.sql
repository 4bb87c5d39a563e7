-- One row per row of a Parquet file in the canonical shape, its columns of whatever type: fields read as ids, instants,
-- numbers and objects, beside what was given.
with final as (
    select
        file_row_number + 1 as line,
        row_of(whole) as row,
        null::varchar as fault,
        stored_id(event_id) as event_id,
        stored_id(customer_id) as customer_id,
        stored_text(customer_id) as customer_given,
        stored_instant(ts) as ts,
        stored_text(ts) as ts_given,
        stored_text(type) as type,
        stored_text(name) as name,
        number_of(stored_text(value)) as value,
        stored_text(value) as value_given,
        stored_object(properties) as properties,
        stored_text(properties) as properties_given,
        stored_object(attributes) as attributes,
        stored_text(attributes) as attributes_given,
        stored_instant(received_at) as received_at,
        stored_text(received_at) as received_given
    from source
)

select * from final

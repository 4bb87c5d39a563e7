-- One row per input row: fields read as ids, instants, numbers and objects, beside what was given.
with final as (
    select
        line,
        row,
        fault,
        id_of(event_id) as event_id,
        id_of(customer_id) as customer_id,
        text_of(customer_id) as customer_given,
        instant_of(text_of(ts)) as ts,
        text_of(ts) as ts_given,
        text_of(type) as type,
        text_of(name) as name,
        number_of(value) as value,
        text_of(value) as value_given,
        object_of(properties) as properties,
        not_object(properties) as properties_given,
        object_of(attributes) as attributes,
        not_object(attributes) as attributes_given,
        instant_of(text_of(received_at)) as received_at,
        text_of(received_at) as received_given
    from shaped
)

select * from final

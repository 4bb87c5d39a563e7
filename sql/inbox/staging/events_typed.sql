-- One row per input row: fields read as ids, instants, numbers and objects, beside what was given.
with texts as (
    -- Apart, because what a macro's argument says is computed wherever the macro names it.
    select
        * exclude (type, name),
        text_of(customer_id) as customer_given,
        text_of(ts) as ts_given,
        text_of(type) as type,
        text_of(name) as name,
        text_of(value) as value_given,
        text_of(received_at) as received_given
    from shaped
),

final as (
    select
        line,
        row,
        fault,
        anonymous,
        id_of(event_id) as event_id,
        id_of(customer_id) as customer_id,
        customer_given,
        instant_of(ts_given) as ts,
        ts_given,
        type,
        name,
        number_of(value) as value,
        value_given,
        object_of(properties) as properties,
        not_object(properties) as properties_given,
        case when getvariable('older_ids') then coalesce(object_of(older_properties), '{}') end as older_properties,
        object_of(attributes) as attributes,
        not_object(attributes) as attributes_given,
        instant_of(received_given) as received_at,
        received_given
    from texts
)

select * from final

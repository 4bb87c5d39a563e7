-- One row per input row: fields read as ids, instants, numbers and objects, beside what was given. In steps, because what a
-- macro's argument says is planned and computed wherever the macro names it.
with objects as (
    select
        * replace (
            given_object(properties) as properties,
            given_object(attributes) as attributes,
            case when getvariable('older_ids') then given_object(older_properties) end as older_properties
        ),
        not_object(properties) as properties_given,
        not_object(attributes) as attributes_given,
        is_id(event_id) as is_event_id,
        is_id(customer_id) as is_customer_id
    from shaped
),

texts as (
    select
        *,
        case when not coalesce(is_event_id, false) then text_of(event_id) end as event_text,
        case when not coalesce(is_customer_id, false) then text_of(customer_id) end as customer_text
    from objects
),

typed as (
    select
        line,
        row,
        fault,
        anonymous,
        is_event_id,
        is_customer_id,
        case when is_event_id then event_id else other_id(event_text) end as event_id,
        case when is_customer_id then customer_id else other_id(customer_text) end as customer_id,
        customer_text,
        instant_of(ts) as ts,
        ts as ts_given,
        case when is_type(type) then type else text_of(type) end as type,
        text_of(name) as name,
        number_of(value) as value,
        value as value_given,
        without_non_finite(properties) as properties,
        properties_given,
        case when getvariable('older_ids') then coalesce(without_non_finite(older_properties), '{}') end as older_properties,
        without_non_finite(attributes) as attributes,
        attributes_given,
        instant_of(received_at) as received_at,
        received_at as received_given
    from texts
),

final as (
    -- What was given matters where nothing could be read from it; to trim it takes long.
    select * exclude (is_event_id, is_customer_id, customer_text) replace (
        case when ts is null then text_of(ts_given) end as ts_given,
        case when value is null then text_of(value_given) end as value_given,
        case when received_at is null then text_of(received_given) end as received_given
    ),
    case when is_event_id or event_id is null then null else id_fault('event_id', event_id, null) end as event_fault,
    case when is_customer_id then null else id_fault('customer_id', customer_id, customer_text) end
        as customer_fault
    from typed
)

select * from final

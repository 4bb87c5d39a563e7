-- One row per Segment call (track, page, screen, identify; camelCase, or the snake_case of its warehouse
-- tables), its fields as text and raw JSON under their canonical names. Other calls keep their type, to be refused.
with read as (
    select
        *,
        fields_of(body, '{
            "messageId": "VARCHAR", "message_id": "VARCHAR", "id": "VARCHAR",
            "userId": "VARCHAR", "user_id": "VARCHAR", "anonymousId": "VARCHAR", "anonymous_id": "VARCHAR",
            "timestamp": "VARCHAR", "originalTimestamp": "VARCHAR", "original_timestamp": "VARCHAR",
            "receivedAt": "VARCHAR", "received_at": "VARCHAR",
            "type": "VARCHAR", "event": "VARCHAR", "event_text": "VARCHAR", "name": "VARCHAR",
            "properties": "JSON", "traits": "JSON", "context": {"traits": "JSON"}
        }') as field
    from lines
),

fields as (
    select * replace (unread(fault, field, body) as fault, case when field is not null then body end as body)
    from read
),

called as (
    select
        *,
        coalesce(field."userId", field.user_id) as user_given,
        case
            when field.event_text is null then field.event
            else coalesce(text_of(field.event_text), field.event)
        end as event,
        coalesce(
            field.type, case when coalesce(field.event_text, field.event) is not null then 'track' end
        ) as call
    from fields
),

described as (
    select
        *,
        case
            when field.properties is not null then given_object(field.properties)
            when call = 'identify' or field.type is not null then '{}'
            -- A warehouse table: one column per property.
            else json_merge_patch(body, '{
                "id": null, "message_id": null, "user_id": null, "anonymous_id": null, "timestamp": null,
                "original_timestamp": null, "received_at": null, "event": null, "event_text": null,
                "sent_at": null, "uuid_ts": null, "messageId": null, "userId": null, "anonymousId": null,
                "originalTimestamp": null, "receivedAt": null, "sentAt": null, "context": null}')::varchar
        end as described
    from called
),

valued as (
    select
        *,
        is_no_id(user_given) as anonymous,
        json_extract_string(described, ['revenue', 'total', 'value']) as amounts
    from described
),

final as (
    select
        line,
        row,
        fault,
        coalesce(
            exact_id(field."messageId", body, 'messageId'),
            exact_id(field.message_id, body, 'message_id'),
            exact_id(field.id, body, 'id')
        ) as event_id,
        case
            when anonymous then coalesce(
                exact_id(field."anonymousId", body, 'anonymousId'), exact_id(field.anonymous_id, body, 'anonymous_id')
            )
            else coalesce(exact_id(field."userId", body, 'userId'), exact_id(field.user_id, body, 'user_id'))
        end as customer_id,
        coalesce(field.timestamp, field."originalTimestamp", field.original_timestamp) as ts,
        case
            when call in ('track', 'page', 'screen', 'identify') then 'behavioral'
            else call
        end as type,
        case call
            when 'track' then event
            when 'page' then 'Page Viewed'
            when 'screen' then 'Screen Viewed'
            when 'identify' then 'identify'
        end as name,
        coalesce(text_of_number(amounts[1]), text_of_number(amounts[2]), text_of_number(amounts[3])) as value,
        case
            when field.properties is not null and described is null then field.properties::varchar
            when call in ('page', 'screen') and field.name is not null then with_name(described, field.name)
            else described
        end as properties,
        case when call = 'identify' then traits_of(field.traits, field.context.traits) end as attributes,
        -- Of somebody who hasn't said who they are; nothing joins them to whom they turn out to be.
        anonymous,
        properties as older_properties,
        coalesce(field."receivedAt", field.received_at) as received_at
    from valued
)

select * from final

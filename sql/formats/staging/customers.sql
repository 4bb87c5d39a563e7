-- One row per input row: a canonical customer (reason is null), or the reason to quarantine it and the row.
-- Fields beyond the canonical ones are attributes too; an entry of `attributes` wins over one of them.
with read as (
    select
        *,
        fields_of(body, '{
            "customer_id": "VARCHAR", "email": "VARCHAR", "created_at": "VARCHAR", "attributes": "JSON",
            "tags": "JSON", "timezone": "VARCHAR"
        }') as field
    from lines
),

fields as (
    select
        * replace (unread(fault, field, body) as fault, case when field is not null then body end as body),
        given_object(field.attributes) as given_attributes
    from read
),

named as (
    select
        *,
        exact_id(field.customer_id, body, 'customer_id') as id_given,
        json_merge_patch(body, '{
            "customer_id": null, "email": null, "created_at": null, "attributes": null, "tags": null,
            "timezone": null}') as further
    from fields
),

typed as (
    select
        line,
        row,
        fault,
        field,
        further::varchar as further,
        id_of(id_given) as customer_id,
        text_of(field.email) as email,
        instant_of(text_of(field.created_at)) as created_at,
        without_non_finite(given_attributes) as attributes,
        case left(field.tags, 1)
            when '[' then field.tags ->> '$[*]'
            when '"' then case
                when left(text_of(field.tags ->> '$'), 1) = '[' and json_valid(text_of(field.tags ->> '$'))
                    then text_of(field.tags ->> '$')::json ->> '$[*]'
                else regexp_split_to_array(text_of(field.tags ->> '$'), '[;,]')
            end
        end as tags,
        text_of(field.timezone) as timezone
    from named
),

judged as (
    select
        *,
        case
            when fault is not null then fault
            when id_fault('customer_id', customer_id, text_of(field.customer_id)) is not null
                then id_fault('customer_id', customer_id, text_of(field.customer_id))
            when created_at is null and text_of(field.created_at) is not null
                then 'bad_time: created_at ' || left(text_of(field.created_at), 100)
            when attributes is null and text_of(field.attributes ->> '$') is not null
                then 'bad_attributes: ' || left(text_of(field.attributes ->> '$'), 100)
            when names_tags(attributes) then tags_fault()
            when tags is null and text_of(field.tags ->> '$') is not null
                then 'bad_tags: ' || left(text_of(field.tags ->> '$'), 100)
        end as reason
    from typed
),

final as (
    select
        line,
        reason,
        quarantined_row(reason, row) as row,
        customer_id,
        email,
        created_at,
        case
            when further = '{}' then coalesce(attributes, '{}')
            when coalesce(attributes, '{}') = '{}' then without_non_finite(further)
            else without_non_finite(merged(further, attributes))
        end as attributes,
        list_sort(list_distinct(list_filter(
            list_transform(coalesce(tags, []), lambda tag: trim(tag)), lambda tag: tag <> ''
        ))) as tags,
        timezone
    from judged
)

select * from final

-- One row per attribute of consent and spelling that says neither no nor yes, with how many customers of pending messages.
select
    attributes.attribute,
    attributes.value,
    count(*) as customers
from attributes
semi join (select customer_id from messages where status in ('pending', 'unknown', 'failed')) as pending using (customer_id)
inner join consent_values on attributes.value = consent_values.value
where list_contains($fields, attributes.attribute) and consent_values.says = 'unknown'
group by attributes.attribute, attributes.value

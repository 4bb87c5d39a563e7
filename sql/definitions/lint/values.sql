-- One row per attribute of $names and value of it that known customers have, with how many do.
select
    attributes.attribute,
    attributes.value,
    count(*) as customers
from attributes
semi join (select customer_id from profiles where known) as known using (customer_id)
where list_contains($names, attributes.attribute) and attributes.value <> 'null'
group by attributes.attribute, attributes.value

-- One row per profile update of an attribute that workflows see: one of $attributes, or any if they see $every one.
create or replace temp table fact_live as
select *
from fact_writes
where $every or list_contains($attributes::varchar[], attribute)

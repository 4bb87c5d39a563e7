-- One row per attribute that the tick's customer files have changed so far, the last change last.
insert into changed_so_far
select customer_id, name, json_extract(properties, '$.new_value')::varchar
from profile_changes

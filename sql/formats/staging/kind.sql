-- One row per temporary table or view called $relation: which of both it is.
select table_type
from information_schema.tables
where table_catalog = 'temp' and table_name = $relation

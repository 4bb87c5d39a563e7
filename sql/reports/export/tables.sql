-- One row per table and view of what is published that people know.
select table_name
from information_schema.tables
where table_catalog = 'published' and table_schema = 'main'
order by table_name

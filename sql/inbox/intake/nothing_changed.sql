-- No rows yet: one per attribute that the tick's customer files change will come.
create or replace temp table changed_so_far (customer_id varchar, attribute varchar, value varchar)

-- One row per archived batch of new events, by the name of its file.
create or replace temp table new_batches as
select unnest($archives::varchar[]) as archive

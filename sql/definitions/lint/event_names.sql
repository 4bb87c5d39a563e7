-- One row per type and name that some event had.
select distinct type, name from events where name is not null order by type, name

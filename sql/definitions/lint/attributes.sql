-- One row per attribute that some customer has or had.
select distinct attribute from attributes order by attribute

-- One row per attribute that some customer has.
select distinct attribute from attributes where value <> 'null' order by attribute

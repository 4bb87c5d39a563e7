-- One row per customer, by the place of the document, with an execution of $workflows in flight.
select distinct key
from due
where workflow_id in (select value from json_each($workflows))

-- One row per kind of file and column that a CSV file showed to be text: later CSV files read it as text, too.
select kind, name, 'text' as type, min(batch_id) as batch_id
from (select kind, batch_id, unnest(text_columns) as name from batches)
group by kind, name

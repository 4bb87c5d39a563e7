-- One row per batch of $kind whose CSV file showed columns to be text, those that are archived and not yet loaded too.
select text_columns from batches where kind = $kind and text_columns <> '[]'
union all
select text_columns from archived_batches where kind = $kind and text_columns <> '[]'

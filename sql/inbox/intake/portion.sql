-- One row per row of some files of the portion that is staged, from number portion_from to portion_to: with the batch
-- that its file becomes. In `staged_texts` a line is the file's number, times 2^32, and the line within the file.
create or replace temp view staged as
select
    getvariable('portion_batch') + (line >> 32) - getvariable('portion_from') as batch_id,
    getvariable('portion_files')[(line >> 32) + 1] as file,
    -- Several rows may stand on one line.
    row_number() over (order by staged_texts.line, rowid) as batch_order,
    * replace (line & 4294967295 as line)
from staged_texts
where (line >> 32) between getvariable('portion_from') and getvariable('portion_to')

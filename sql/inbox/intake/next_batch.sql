-- One row: the number of the next batch. The one after a customer file's is kept for the changes it makes.
with
    taken as (
        select max(batch_id) as number from batches
        union all
        select max(case when kind = 'customers' then batch_id + 1 else batch_id end) from archived_batches
    )

select coalesce(max(number), 0) + 1 as batch_id from taken

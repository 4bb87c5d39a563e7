-- One row: the hash of the content of the customer file that was applied last; none before the first.
with
    applied as (
        select batch_id, content_hash from batches where kind = 'customers'
        union all
        select batch_id, content_hash from archived_batches where kind = 'customers'
    )

select content_hash from applied order by batch_id desc limit 1

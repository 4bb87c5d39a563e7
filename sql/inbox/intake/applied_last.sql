-- One row: the hash of the content of the customer file that was applied last; null before the first.
with
    applied as (
        select batch_id, content_hash from batches where kind = 'customers'
        union all
        select batch_id, content_hash from archived_batches where kind = 'customers'
    )

select arg_max(content_hash, batch_id) as content_hash from applied

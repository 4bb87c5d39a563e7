-- One row per name of a customer file: the hash of the content that it had last; 'gone' once it was taken away.
with
    archived as (select file, content_hash, batch_id from archived_batches where kind = 'customers'),

    seen as (select file, content_hash from inbox_files where kind = 'customers' and content_hash is not null),

    loaded as (select file, content_hash, batch_id from batches where kind = 'customers'),

    ranked as (
        select *, 2 as rank from archived
        union all
        select *, null, 1 from seen
        union all
        select *, 0 from loaded
    ),

    final as (
        select file, arg_max(content_hash, (rank, coalesce(batch_id, 0))) as content_hash
        from ranked
        group by file
    )

select file, content_hash from final

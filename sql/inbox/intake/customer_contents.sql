-- One row per name of a customer file: the hash of the content that it had last; 'gone' once it was taken away.
with
    archived as (select file, content_hash, batch_id from archived_batches where kind = 'customers'),

    seen as (select file, content_hash from inbox_files where kind = 'customers' and content_hash is not null),

    loaded as (select file, content_hash, batch_id from batches where kind = 'customers'),

    ranked as (
        select file, content_hash, batch_id, 2 as rank from archived
        union all
        select file, content_hash, 0, 1 from seen
        union all
        select file, content_hash, batch_id, 0 from loaded
    ),

    numbered as (
        select file, content_hash, row_number() over (partition by file order by rank desc, batch_id desc) as place
        from ranked
    )

select file, content_hash from numbered where place = 1

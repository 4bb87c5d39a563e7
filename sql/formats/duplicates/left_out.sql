-- One row per good row of a staged table that doesn't count: its key came before, or another row of the table with this
-- key counts instead: the first one, or the last one by the variable `last_counts`. Keys are compared by hash first and exactly only where hashes
-- meet, so memory holds 8 bytes per row.
with
    keys as (select key, batch_order from good_keys),

    before as (select key from keys_before),

    meeting as (select hash(key) as hashed from keys group by hashed having count(*) > 1),

    repeated as (select key, batch_order from keys where hash(key) in (select hashed from meeting)),

    counting as (
        select key, case when getvariable('last_counts') then max(batch_order) else min(batch_order) end as batch_order
        from repeated
        group by key
    ),

    final as (
        select batch_order from repeated anti join counting using (key, batch_order)
        union
        select batch_order from keys semi join before using (key)
    )

select * from final

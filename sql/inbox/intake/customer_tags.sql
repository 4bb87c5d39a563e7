-- One row per tag a customer file adds; a file never takes a tag away.
insert into tags (customer_id, tag)
with
    given as (select customer_id, unnest(tags) as tag from batch),

    final as (
        select distinct given.customer_id, given.tag
        from given
        anti join tags using (customer_id, tag)
    )

select * from final

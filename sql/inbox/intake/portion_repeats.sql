-- One row per file of the staged portion with a customer whom an earlier file of it has too: the last of these.
with
    held as (select distinct customer_id, line >> 32 as number from staged_texts where reason is null),

    before as (select number, lag(number) over (partition by customer_id order by number) as earlier from held),

    final as (select number, max(earlier) as earlier from before where earlier is not null group by number)

select number, earlier from final
order by number

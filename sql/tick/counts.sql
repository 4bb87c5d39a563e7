-- One row per reason why events of a tick were not (or not yet, or not in full) processed.
with
    acting as (select * from tick_events),

    known as (
        select customer_id, coalesce(created_at, '-infinity'::timestamptz) as since from profiles where known
    ),

    introduced as (
        select customer_id, min("at") as since
        from acting
        anti join known using (customer_id)
        where introduces(type, name, attributes)
        group by customer_id
    ),

    unknown as (
        select count(*) as n
        from acting
        left join known using (customer_id)
        left join introduced using (customer_id)
        where acting.acts and acting."at" < coalesce(known.since, introduced.since, 'infinity'::timestamptz)
    ),

    final as (
        select 'unknown_customer' as reason, n from unknown
        union all
        select 'late', count(*) from acting where late and acts
        union all
        select 'too_late', count(*) from acting where not acts
        union all
        select 'future', count(*) from new_events where ts > $now
    )

select reason, n::bigint as n from final where n > 0

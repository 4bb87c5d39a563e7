-- One row per reason why events of a tick were not (or not yet, or not in full) processed.
with
    acting as (select * from tick_events),

    profiles as (select * from profiles where known),

    unknown as (
        select count(*) as n
        from acting
        left join profiles using (customer_id)
        where acting.acts and (profiles.customer_id is null or profiles.created_at > acting."at")
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

-- One row per execution of a customer until an instant, as it stood then; those in flight are found by the key that
-- is the customer's alone.
with
    in_flight as (
        select running.* exclude (customer_key, commit_id) replace (coalesce(paused.status, running.status) as status)
        from internal.running
        left join (select workflow_id, 'paused' as status from internal.paused) as paused using (workflow_id)
        where customer_key = $key
    ),

    of_all as (
        select * from internal.ended where customer_id = $customer
        union all by name
        select * from in_flight
    ),

    final as (
        select
            * replace (
                case when status not in ('held_out') and ended_at > $until then 'running' else status end as status,
                case when ended_at <= $until then ended_at end as ended_at,
                case when converted_at <= $until then converted_at end as converted_at
            )
        from of_all
        where entered_at <= $until
    )

select * from final order by entered_at, workflow_id

-- One row per customer to whom something may happen until $now: new facts, updates, due steps, alarms. The rule is that of
-- the engine (transforms/engine/layout/reach.py): one too many here costs time, one too few would be a wrong decision.
create or replace temp table active_customers as
with
    acting as (select customer_id from customers_with_facts),

    due as (select customer_id from executions where status = 'running' and due_at <= $now),

    -- Their goal, exit or wait is a cron that fires.
    awaiting as (
        select customer_id
        from executions
        where status in ('running', 'paused') and list_contains($awaiting::varchar[], version)
    ),

    -- Their last entry was of a version whose goal is such a cron.
    open_goals as (select customer_id from entries where list_contains($open_goals::varchar[], version)),

    alarms as (select customer_id from schedule_alarms where "at" <= $now),

    dates as (
        select customer_id, attribute, value
        from attributes
        where value <> 'null'
        union all
        select
            customer_id,
            'created_at' as attribute,
            '"' || regexp_replace(strftime(created_at, '%Y-%m-%dT%H:%M:%S.%f'), '\.?0*$', '') || 'Z"' as value
        from profiles
        where created_at is not null
    ),

    unarmed as (
        select dates.customer_id
        from dates
        join unarmed_keys using (attribute)
        anti join schedule_alarms
            on schedule_alarms.customer_id = dates.customer_id
            and schedule_alarms.key = unarmed_keys.key
            and schedule_alarms.value = dates.value
    ),

    everybody as (select customer_id from profiles where known and $everybody),

    final as (
        select customer_id from acting
        union
        select customer_id from due
        union
        select customer_id from awaiting
        union
        select customer_id from open_goals
        union
        select customer_id from alarms
        union
        select customer_id from unarmed
        union
        select customer_id from everybody
    )

select * from final

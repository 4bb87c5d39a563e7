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

    alarms as (select customer_id from schedule_alarms where "at" <= $now),

    unarmed as (
        select attributes.customer_id
        from attributes
        join unarmed_keys using (attribute)
        anti join schedule_alarms
            on schedule_alarms.customer_id = attributes.customer_id
            and schedule_alarms.key = unarmed_keys.key
            and schedule_alarms.value = attributes.value
        where attributes.value <> 'null'
    ),

    everybody as (select customer_id from profiles where known and $everybody),

    final as (
        select customer_id from acting
        union
        select customer_id from due
        union
        select customer_id from awaiting
        union
        select customer_id from alarms
        union
        select customer_id from unarmed
        union
        select customer_id from everybody
    )

select * from final

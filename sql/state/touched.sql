-- One row per customer with something to do until $now: new facts, updates, or a due step.
create or replace temp table touched as
with
    acting as (select customer_id from acting_customers),

    due as (select customer_id from executions where status = 'running' and due_at <= $now),

    final as (
        select customer_id from acting
        union
        select customer_id from due
    )

select * from final

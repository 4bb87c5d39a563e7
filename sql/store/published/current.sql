-- One row per row of customers as they are now: those of the base whom no later commit has changed, and of the others
-- what the latest commit wrote.
with
    latest as (select customer_key, max(commit_id) as commit_id from {touched} group by customer_key),

    final as (
        select * from {base} anti join latest using (customer_key)
        union all by name
        select * from {later} semi join latest using (customer_key, commit_id)
    )

select * from final

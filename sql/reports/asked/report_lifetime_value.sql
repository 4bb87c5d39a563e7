-- One row per workflow, arm and week of first entry (its Monday, UTC), and one of all who never entered: revenue per customer.
--
-- arm is that of a customer's first entry: treated or held_out; not_entered has no week. Of each workflow the rows are all
-- customers and all revenue. This compares, it is no effect: whoever enters may have bought more anyway; only held_out beside
-- treated of the same weeks tells what the workflow did (`onward experiment WORKFLOW`, with intervals). Earlier weeks had more
-- time to buy. Scanned: executions, profiles, and of events those that settings `revenue` and `refunds` name.
with
    earned as (
        select customer_id, sum(cents) as cents, bool_or(ordered) as ordered
        from (select customer_id, cents, name in (select name from internal.money where sign > 0) as ordered from orders)
        group by customer_id
    ),

    everybody as (
        select customer_id from profiles
        union
        select customer_id from earned
    ),

    totals as (
        select
            count(*) as customers,
            count(*) filter (ordered) as buyers,
            coalesce(sum(cents), 0) as cents
        from everybody
        left join earned using (customer_id)
    ),

    first_entries as (
        select
            workflow_id,
            customer_id,
            min(entered_at) as entered_at,
            if(arg_min(status, entered_at) = 'held_out', 'held_out', 'treated') as arm
        from executions
        group by workflow_id, customer_id
    ),

    cohorts as (
        select
            workflow_id,
            arm,
            date_trunc('week', entered_at at time zone 'UTC')::date as week,
            count(*) as customers,
            count(*) filter (ordered) as buyers,
            coalesce(sum(cents), 0) as cents
        from first_entries
        left join earned using (customer_id)
        group by all
    ),

    others as (
        select
            cohorts.workflow_id,
            'not_entered' as arm,
            any_value(totals.customers) - sum(cohorts.customers) as customers,
            any_value(totals.buyers) - sum(cohorts.buyers) as buyers,
            any_value(totals.cents) - sum(cohorts.cents) as cents
        from cohorts
        cross join totals
        group by cohorts.workflow_id
    ),

    final as (
        select
            workflow_id,
            arm,
            week,
            customers::bigint as customers,
            buyers::bigint as buyers,
            (cents::decimal(38, 0) / 100)::decimal(38, 2) as revenue,
            cents / 100.0::double / nullif(customers, 0) as mean_revenue
        from (from cohorts union all by name from others)
    )

select * from final
order by workflow_id, arm, week

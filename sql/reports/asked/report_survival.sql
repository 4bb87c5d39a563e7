-- One row per workflow, arm and time since entry at which a goal was reached, or somebody lost from sight: who hasn't converted.
--
-- The product-limit estimate (Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958) of executions whose goal has hits, of which the
-- first counts. Whoever hasn't reached it is at risk until now, the end of the goal's window, or the customer's next entry,
-- for which the goal counts from then on; then censored, not dropped. Times are rounded up: to minutes in the first hour, to
-- hours in the first day, else to days. standard_error is Greenwood's (Reports on Public Health 33, 1926); null once nobody is
-- left. Scanned: executions, once, sorted by customer; goal_hits; no events.
with
    windows as (
        select version, goal_window(definition) as seconds
        from workflow_versions
        where has_hits(definition)
    ),

    first_hits as (select execution_id, min("at") as hit_at from goal_hits group by execution_id),

    entries as (
        select
            execution_id,
            workflow_id,
            version,
            if(status = 'held_out', 'held_out', 'treated') as arm,
            epoch_us(entered_at) as entered,
            epoch_us(lead(entered_at) over (partition by workflow_id, customer_id order by entered_at)) as next
        from executions
    ),

    observed as (
        select
            entries.workflow_id,
            entries.arm,
            first_hits.hit_at is not null as is_hit,
            coalesce(
                epoch_us(first_hits.hit_at),
                least(entries.entered + (1e6 * windows.seconds)::bigint, entries.next, as_of.now)
            ) - entries.entered as lasted
        from entries
        cross join (select epoch_us(max(now)) as now from ticks) as as_of
        join windows using (version)
        left join first_hits using (execution_id)
    ),

    rounded as (
        select
            *,
            1000000::bigint * case when lasted <= 3600000000 then 60 when lasted <= 86400000000 then 3600 else 86400 end as unit,
            (lasted + unit - 1) // unit * unit // 1000000 as seconds
        from observed
    ),

    counted as (
        select
            workflow_id,
            arm,
            seconds,
            count(*) filter (is_hit) as hits,
            count(*) filter (not is_hit) as censored
        from rounded
        group by all
    ),

    -- The curve begins at 1.
    begun as (
        select workflow_id, arm, seconds, sum(hits)::bigint as hits, sum(censored)::bigint as censored
        from (from counted union all select distinct workflow_id, arm, 0, 0, 0 from counted)
        group by all
    ),

    exposed as (
        select
            *,
            (sum(hits + censored) over later)::bigint as at_risk
        from begun
        window later as (
            partition by workflow_id, arm order by seconds rows between current row and unbounded following
        )
    ),

    final as (
        select
            workflow_id,
            arm,
            seconds,
            at_risk,
            hits,
            censored,
            product(1 - hits / at_risk) over until as survival,
            if(
                survival = 0,
                null,
                survival * sqrt(sum(hits / (at_risk * nullif(at_risk - hits, 0)::double)) over until)
            ) as standard_error
        from exposed
        window until as (partition by workflow_id, arm order by seconds)
    )

select * from final
order by workflow_id, arm, seconds

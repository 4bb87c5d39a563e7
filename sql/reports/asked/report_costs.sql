-- One row per workflow: what its sent messages cost, each, and for each conversion.
--
-- Setting `costs` gives the price of a message by its sender, else by its channel, in the currency of orders. cost is of the
-- messages that have one (priced); null if none has. conversions are those of report_workflow_summary; hits also count goals
-- reached after the execution's end, as in report_entry_cohorts, and are null where the newest goal has none. Nobody held out
-- is in either. Scanned: messages, executions, goal_hits.
with
    sent as (
        select workflow_id, sender, channel, count(*) as messages
        from messages
        where status = 'sent'
        group by all
    ),

    prices as (
        select
            sent.workflow_id,
            sent.messages,
            coalesce(of_sender.millionths, of_channel.millionths) as millionths
        from sent
        left join internal.costs as of_sender on of_sender.name = sent.sender
        left join internal.costs as of_channel on of_channel.name = sent.channel
    ),

    paid as (
        select
            workflow_id,
            sum(messages)::bigint as messages,
            coalesce(sum(messages) filter (millionths is not null), 0)::bigint as priced,
            (sum(messages * millionths)::decimal(38, 0) / 1000000)::decimal(38, 6) as cost
        from prices
        group by workflow_id
    ),

    newest as (
        select workflow_id, arg_max(has_hits(definition), number) as has_hits
        from workflow_versions
        group by workflow_id
    ),

    hit as (select distinct execution_id from goal_hits),

    reached as (
        select
            workflow_id,
            count(converted_at) as conversions,
            count(hit.execution_id) as hits
        from executions
        left join hit using (execution_id)
        where status <> 'held_out'
        group by workflow_id
    ),

    final as (
        select
            workflow_id,
            coalesce(paid.messages, 0) as messages,
            coalesce(paid.priced, 0) as priced,
            paid.cost,
            coalesce(reached.conversions, 0) as conversions,
            if(newest.has_hits, coalesce(reached.hits, 0), null) as hits,
            paid.cost::double / nullif(paid.priced, 0) as cost_per_message,
            paid.cost::double / nullif(reached.conversions, 0) as cost_per_conversion,
            paid.cost::double / nullif(if(newest.has_hits, reached.hits, null), 0) as cost_per_hit
        from newest
        left join paid using (workflow_id)
        left join reached using (workflow_id)
    )

select * from final
order by workflow_id

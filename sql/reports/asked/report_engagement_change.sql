-- One row per workflow: how often its customers did something, and opened or clicked, in the four weeks before, and during.
--
-- before: less than 28 days before the entry, and not before the customer was created or the store's first event; during:
-- after the entry, until its end or now. What happened at the very instant of an entry, such as what caused it, is in neither.
-- Only executions with some time in both count, none held out. Events are behavioral ones, without what tells of messages;
-- responses are opens and clicks by people. Who enters has often just done something: the change is no effect of the workflow,
-- compare those held out. Scanned: executions; the events of whoever entered, once, sorted by customer.
with
    first_event as (select min(earliest) as since from batches where kind = 'events'),

    passes as (
        select
            executions.workflow_id,
            executions.customer_id,
            greatest(
                executions.entered_at - interval 672 hours, profiles.created_at, (select since from first_event)
            ) as since,
            executions.entered_at,
            coalesce(executions.ended_at, (select max(now) from ticks)) as until
        from executions
        left join profiles using (customer_id)
        where executions.status <> 'held_out' and since < executions.entered_at and until > executions.entered_at
    ),

    happened as (
        select
            customer_id,
            ts,
            name in ('Email Opened', 'Email Link Clicked')
            and coalesce(properties ->> 'machine', 'false') <> 'true' as is_response,
            name not in (
                'Email Delivered', 'Email Opened', 'Email Link Clicked',
                'Email Bounced', 'Email Marked as Spam', 'Unsubscribed'
            ) as is_own
        from events
        semi join passes using (customer_id)
        where type = 'behavioral'
    ),

    running as (
        select
            customer_id,
            ts,
            count(*) filter (is_own) over (partition by customer_id order by ts) as events,
            count(*) filter (is_response) over (partition by customer_id order by ts) as responses
        from happened
    ),

    -- Four instants of a pass; what happened between two of them is the difference of what had happened by each.
    instants as (
        select
            workflow_id,
            customer_id,
            unnest(['before', 'before', 'during', 'during']) as span,
            unnest([-1, 1, -1, 1]) as sign,
            unnest([since, entered_at - interval 1 microsecond, entered_at, until]) as instant
        from passes
    ),

    happened_by as (
        select
            instants.workflow_id,
            coalesce(sum(sign * events) filter (span = 'before'), 0)::bigint as events_before,
            coalesce(sum(sign * events) filter (span = 'during'), 0)::bigint as events_during,
            coalesce(sum(sign * responses) filter (span = 'before'), 0)::bigint as responses_before,
            coalesce(sum(sign * responses) filter (span = 'during'), 0)::bigint as responses_during
        from instants
        asof join running
            on instants.customer_id = running.customer_id and instants.instant >= running.ts
        group by instants.workflow_id
    ),

    lasted as (
        select
            workflow_id,
            count(*) as executions,
            count(distinct customer_id) as customers,
            sum(epoch_us(entered_at) - epoch_us(since)) / 604800e6 as weeks_before,
            sum(epoch_us(until) - epoch_us(entered_at)) / 604800e6 as weeks_during
        from passes
        group by workflow_id
    ),

    final as (
        select
            workflow_id,
            executions,
            customers,
            weeks_before,
            weeks_during,
            coalesce(events_before, 0) as events_before,
            coalesce(events_during, 0) as events_during,
            coalesce(events_before, 0) / weeks_before as weekly_events_before,
            coalesce(events_during, 0) / weeks_during as weekly_events_during,
            100 * (weekly_events_during / nullif(weekly_events_before, 0) - 1) as events_change,
            coalesce(responses_before, 0) as responses_before,
            coalesce(responses_during, 0) as responses_during,
            coalesce(responses_before, 0) / weeks_before as weekly_responses_before,
            coalesce(responses_during, 0) / weeks_during as weekly_responses_during,
            100 * (weekly_responses_during / nullif(weekly_responses_before, 0) - 1) as responses_change
        from lasted
        left join happened_by using (workflow_id)
    )

select * from final
order by workflow_id

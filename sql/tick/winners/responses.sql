-- One row per sent message of a step of asked_steps that has settled by $now, with whether it was responded to until then.
-- Read before: asked_steps (workflow_id, version, branch, step, metric, settle); the events, in place of {events}.
with
    settled as (
        select
            messages.message_id,
            messages.execution_id,
            messages.customer_id,
            messages.workflow_id,
            messages.version,
            messages.branch,
            messages.step,
            messages."at",
            messages."at" + asked_steps.settle as until,
            asked_steps.metric
        from everybody.messages
        inner join asked_steps using (workflow_id, version, branch, step)
        where messages.status = 'sent' and messages."at" + asked_steps.settle <= $now
    ),

    converted as (
        select execution_id, converted_at as "at", 'converted' as metric from everybody.ended
        union all
        select execution_id, converted_at as "at", 'converted' as metric from everybody.running
    ),

    -- Who clicks has opened, whatever the mail program told. A machine's opening is nobody's.
    engaged as (
        select properties ->> 'message_id' as message_id, ts as "at", unnest(case name
            when 'Email Link Clicked' then ['clicked', 'opened']
            else ['opened']
        end) as metric
        from {events}
        where
            name in ('Email Opened', 'Email Link Clicked')
            and coalesce(properties ->> 'machine', 'false') <> 'true'
            and ts between (select min("at") from settled) and $now
    ),

    responded as (
        select settled.message_id
        from settled
        inner join engaged using (message_id, metric)
        where engaged."at" between settled."at" and settled.until
        union
        select settled.message_id
        from settled
        inner join converted using (execution_id, metric)
        where converted."at" between settled."at" and settled.until
    ),

    final as (
        select
            settled.workflow_id,
            settled.version,
            settled.branch,
            settled.step,
            settled.customer_id,
            settled."at",
            responded.message_id is not null as responded
        from settled
        left join responded using (message_id)
    )

select * from final

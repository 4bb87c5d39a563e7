-- One row per attribution model, workflow, branch, step, template and variant: the revenue credited to its messages.
--
-- A sent message is a touch of each order within the goal's window after it (30 days, if its version has no goal). last_touch and
-- first_touch credit one message; linear all alike; time_decay each half as much as one a week later; position_based two fifths to
-- the first, two fifths to the last, and the rest to those between. Of an order the shares sum to its value, to the cent; orders
-- without a touch are the row without a workflow.
with
    windows as (
        select version, goal_window(definition) as seconds
        from workflow_versions
    ),

    touches as (
        select messages.*, windows.seconds
        from messages
        join windows using (version)
        where messages.status = 'sent'
    ),

    pairs as (
        select
            orders.event_id,
            orders.cents,
            touches.workflow_id,
            touches.branch,
            touches.step,
            touches.template_id,
            touches.variant,
            epoch(orders.earned_at) - epoch(touches."at") as age,
            row_number() over (partition by orders.event_id order by touches."at", touches.message_id) as place,
            count(*) over (partition by orders.event_id) as touched
        from orders
        join touches
            on touches.customer_id = orders.customer_id
            and touches."at" <= orders.earned_at
            and epoch(orders.earned_at) - epoch(touches."at") <= touches.seconds
    ),

    models as (
        select unnest(['last_touch', 'first_touch', 'linear', 'time_decay', 'position_based']) as model
    ),

    weighted as (
        select
            pairs.*,
            models.model,
            case models.model
                when 'last_touch' then (place = touched)::integer::double
                when 'first_touch' then (place = 1)::integer::double
                when 'linear' then 1.0
                when 'time_decay' then pow(2, (min(age) over (partition by event_id) - age) / 604800)
                when 'position_based' then case
                    when touched <= 2 then 1.0
                    when place in (1, touched) then 0.4
                    else 0.2 / (touched - 2)
                end
            end as weight
        from pairs
        cross join models
    ),

    -- Shares are differences of rounded running sums, of which the last is the whole.
    running as (
        select
            *,
            weight / sum(weight) over (partition by event_id, model) as share,
            if(
                place = touched,
                1.0,
                sum(weight) over (partition by event_id, model order by place)
                / sum(weight) over (partition by event_id, model)
            ) as until
        from weighted
    ),

    credited as (
        select
            *,
            round(until * cents)::bigint
            - coalesce(lag(round(until * cents)::bigint) over (partition by event_id, model order by place), 0) as credit
        from running
    ),

    untouched as (
        select models.model, orders.event_id, orders.cents
        from orders
        anti join pairs using (event_id)
        cross join models
    ),

    everything as (
        select model, workflow_id, branch, step, template_id, variant, event_id, share, credit from credited
        union all by name
        select model, event_id, 1.0::double as share, cents as credit from untouched
    ),

    final as (
        select
            model,
            workflow_id,
            branch,
            step,
            template_id,
            variant,
            count(distinct event_id) as orders,
            sum(share) as credited_orders,
            (sum(credit)::decimal(38, 0) / 100)::decimal(38, 2) as revenue
        from everything
        group by all
    )

select * from final
order by all

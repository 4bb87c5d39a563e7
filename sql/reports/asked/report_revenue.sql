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

    -- Numbers are sorted faster than ids.
    paid as materialized (select row_number() over () as number, customer_id, earned_at, cents from orders),

    pairs as materialized (
        select
            paid.number,
            paid.cents,
            touches.workflow_id,
            touches.branch,
            touches.step,
            touches.template_id,
            touches.variant,
            epoch(paid.earned_at) - epoch(touches."at") as age,
            row_number() over (partition by paid.number order by touches."at", touches.message_id) as place,
            count(*) over (partition by paid.number) as touched
        from paid
        join touches
            on touches.customer_id = paid.customer_id
            and touches."at" <= paid.earned_at
            and epoch(paid.earned_at) - epoch(touches."at") <= touches.seconds
    ),

    -- Only these two models have weights that aren't all alike.
    weighted as (
        select
            *,
            pow(2, (min(age) over (partition by number) - age) / 604800) as decay,
            case
                when touched <= 2 then 1.0::double
                when place in (1, touched) then 0.4::double
                else 0.2::double / (touched - 2)
            end as position
        from pairs
    ),

    summed as (
        select
            *,
            sum(decay) over whole as all_decay,
            sum(decay) over until as decay_until,
            sum(position) over whole as all_position,
            sum(position) over until as position_until
        from weighted
        window whole as (partition by number), until as (partition by number order by place)
    ),

    -- Shares are differences of rounded running sums, of which the last is the whole.
    rounded as (
        select
            *,
            round(place / touched * cents)::bigint as linear_until,
            round((place - 1) / touched * cents)::bigint as linear_before,
            if(place = touched, cents, round(decay_until / all_decay * cents)::bigint) as decayed_until,
            if(place = touched, cents, round(position_until / all_position * cents)::bigint) as positioned_until
        from summed
    ),

    credited as (
        select
            *,
            coalesce(lag(decayed_until) over until, 0) as decayed_before,
            coalesce(lag(positioned_until) over until, 0) as positioned_before
        from rounded
        window until as (partition by number order by place)
    ),

    by_touch as (
        select
            workflow_id,
            branch,
            step,
            template_id,
            variant,
            count(distinct number) as orders,
            [
                count(*) filter (place = touched)::double,
                count(*) filter (place = 1)::double,
                sum(1 / touched),
                sum(decay / all_decay),
                sum(position / all_position)
            ] as credited_orders,
            [
                coalesce(sum(cents) filter (place = touched), 0),
                coalesce(sum(cents) filter (place = 1), 0),
                sum(linear_until - linear_before),
                sum(decayed_until - decayed_before),
                sum(positioned_until - positioned_before)
            ] as cents
        from credited
        group by workflow_id, branch, step, template_id, variant
    ),

    untouched as (
        select
            count(*) as orders,
            list_resize([]::double[], 5, count(*)::double) as credited_orders,
            list_resize([]::hugeint[], 5, sum(cents)) as cents
        from paid
        anti join pairs using (number)
        having count(*) > 0
    ),

    by_model as (
        select
            * replace (unnest(credited_orders) as credited_orders, unnest(cents) as cents),
            unnest(['last_touch', 'first_touch', 'linear', 'time_decay', 'position_based']) as model
        from (from by_touch union all by name from untouched)
    ),

    final as (
        select
            model,
            workflow_id,
            branch,
            step,
            template_id,
            variant,
            orders,
            credited_orders,
            (cents::decimal(38, 0) / 100)::decimal(38, 2) as revenue
        from by_model
    )

select * from final
order by all

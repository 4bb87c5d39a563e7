-- One row per execution and per message (`message_id` is null for the former) of the workflows beside this file, from canonical
-- events and customers ($events, $customers) until $until; an error if two events have one id.
-- Left out, because the data has none of it: customers made known by events, two events of one customer in one microsecond.
with recursive
    events as (
        select customer_id, ts, name, value, properties, attributes
        from read_parquet($events)
        where ts <= $until and (name in ('cart_addition', 'purchase_completed') or attributes is not null)
    ),

    proof as (
        select case when count(*) <> count(distinct event_id) then error('an event id comes twice') end as fault
        from read_parquet($events)
    ),

    people as (
        select
            customer_id,
            coalesce(created_at, '-infinity'::timestamptz) as since,
            attributes,
            coalesce(attributes ->> '$.email_consent' <> 'false', true) as consents
        from read_parquet($customers)
    ),

    purchase_counts as (
        select customer_id, ts, (attributes -> '$.total_purchases')::double as total_purchases
        from events
        where contains(attributes, '"total_purchases"')
    ),

    subscriptions as (
        select customer_id, ts, attributes ->> '$.subscription_status' as subscription_status
        from events
        where contains(attributes, '"subscription_status"')
    ),

    purchases as (select customer_id, ts, value from events where name = 'purchase_completed'),

    carts as (
        select customer_id, ts
        from events
        join people using (customer_id)
        where name = 'cart_addition' and ts >= since and (properties -> '$.cart_value')::double >= 50
    ),

    -- What each cart would come to, and when, if it began an execution.
    cart_ends as (
        select
            'cart' as workflow_id,
            carts.customer_id,
            carts.ts as entered_at,
            'default' as branch,
            coalesce(purchases.ts <= carts.ts + interval 25 hours, false) as converts,
            case when converts then purchases.ts else carts.ts + interval 25 hours end as ends_at
        from carts
        asof left join purchases on carts.customer_id = purchases.customer_id and purchases.ts > carts.ts
    ),

    orders as (
        select
            purchases.customer_id,
            purchases.ts,
            coalesce(purchase_counts.total_purchases, (people.attributes -> '$.total_purchases')::double, 0) > 3 as regular
        from purchases
        join people on purchases.customer_id = people.customer_id and purchases.ts >= people.since and purchases.value >= 20
        asof left join purchase_counts
            on purchases.customer_id = purchase_counts.customer_id and purchases.ts >= purchase_counts.ts
    ),

    order_ends as (
        select
            'thanks' as workflow_id,
            customer_id,
            ts as entered_at,
            case when regular then 'regular' else 'default' end as branch,
            false as converts,
            case when regular then ts else ts + interval 24 hours end as ends_at
        from orders
    ),

    ends as (
        select * from cart_ends
        union all
        select * from order_ends
    ),

    -- Of each the next one of its customer that could begin after it.
    followed as materialized (
        select ends.*, later.entered_at as next_at
        from ends
        asof left join ends as later
            on ends.workflow_id = later.workflow_id
            and ends.customer_id = later.customer_id
            and later.entered_at > ends.ends_at
    ),

    firsts as (select workflow_id, customer_id, min(entered_at) as entered_at from ends group by all),

    entered as (
        select workflow_id, customer_id, entered_at from firsts
        union all
        select followed.workflow_id, followed.customer_id, followed.next_at
        from entered
        join followed using (workflow_id, customer_id, entered_at)
        where followed.next_at is not null
    ),

    begun as materialized (select followed.* from followed join entered using (workflow_id, customer_id, entered_at)),

    left_behind as (
        select customer_id, ends_at as entered_at
        from begun
        where workflow_id = 'cart' and not converts and ends_at <= $until
    ),

    left_behind_followed as materialized (
        select left_behind.*, later.entered_at as next_at
        from left_behind
        asof left join left_behind as later
            on left_behind.customer_id = later.customer_id and later.entered_at > left_behind.entered_at + interval 72 hours
    ),

    won_back as (
        select customer_id, min(entered_at) as entered_at from left_behind group by all
        union all
        select followed.customer_id, followed.next_at
        from won_back
        join left_behind_followed as followed using (customer_id, entered_at)
        where followed.next_at is not null
    ),

    passes as (
        select workflow_id, customer_id, entered_at, branch, converts, ends_at from begun
        union all
        select 'win_back', customer_id, entered_at, 'default', false, entered_at + interval 72 hours from won_back
    ),

    executions as materialized (
        select
            left(sha256(concat_ws('|', workflow_id, customer_id, epoch_us(entered_at))), 32) as execution_id,
            workflow_id,
            customer_id,
            entered_at,
            branch,
            case when ends_at > $until then 'running' when converts then 'converted' else 'completed' end as status,
            case when ends_at <= $until then ends_at end as ended_at,
            case when converts then ends_at end as converted_at
        from passes, proof
        where fault is null
    ),

    sends (workflow_id, branch, step, after, template_id) as (
        values
            ('cart', 'default', '1', interval 1 hour, 'cart_1'),
            ('cart', 'default', '3', interval 25 hours, 'cart_2'),
            ('thanks', 'regular', '0', interval 0 hours, 'thanks_again'),
            ('thanks', 'default', '1', interval 24 hours, 'thanks_first'),
            ('win_back', 'default', '1', interval 72 hours, 'win_back')
    ),

    composed as (
        select executions.*, step, entered_at + after as "at", template_id
        from executions
        join sends using (workflow_id, branch)
        join people using (customer_id)
        where consents and "at" <= $until and (converted_at is null or "at" < converted_at)
    ),

    messages as (
        select
            left(sha256(concat_ws('|', execution_id, step)), 32) as message_id,
            execution_id,
            workflow_id,
            composed.customer_id,
            entered_at,
            step,
            "at",
            template_id
        from composed
        asof left join subscriptions
            on composed.customer_id = subscriptions.customer_id and composed."at" >= subscriptions.ts
        where subscription_status is distinct from 'unsubscribed'
    )

select 'execution' as kind, * from executions
union all by name
select 'message' as kind, * from messages

-- One row per step where somebody waits and one of at most $most who stand there, those who go on soonest first.
--
-- waiting is how many stand there, paused ones among them; next is when the first goes on.
with
    ranked as (
        select
            workflow_id,
            branch,
            step,
            action_type,
            label,
            customer_id,
            since,
            until,
            count(*) over everybody as waiting,
            min(since) over everybody as first_since,
            min(until) over everybody as next_until,
            row_number() over (
                partition by workflow_id, branch, step order by until nulls last, since, customer_id
            ) as place
        from waiting
        where step is not null
        window everybody as (partition by workflow_id, branch, step)
    ),

    final as (select * from ranked where place <= $most)

select * from final
order by workflow_id, branch, step, place

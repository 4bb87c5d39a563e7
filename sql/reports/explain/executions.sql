-- One row per execution of a customer until an instant, as it stood then.
select
    * replace (
        case when status not in ('held_out') and ended_at > $until then 'running' else status end as status,
        case when ended_at <= $until then ended_at end as ended_at,
        case when converted_at <= $until then converted_at end as converted_at
    )
from executions
where customer_id = $customer and entered_at <= $until
order by entered_at, workflow_id

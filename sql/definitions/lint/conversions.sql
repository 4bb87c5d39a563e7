-- One row per workflow with conversions: how many, and the seconds from entry within which 95 % of them happened.
select
    workflow_id,
    count(*) as conversions,
    quantile_cont(epoch(converted_at) - epoch(entered_at), 0.95) as seconds
from executions
where converted_at is not null
group by workflow_id

-- One row per workflow, hour of day and sender: how many messages there were from $since until before $until.
select
    workflow_id,
    extract(hour from "at")::bigint as hour,
    sender,
    count(*)::bigint as n
from messages
where "at"::date >= $since::date and "at"::date < $until::date
group by all

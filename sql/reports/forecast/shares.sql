-- One row per workflow, hour of day and sender: how many messages there were from $since until before $until.
--
-- settled: of these, those of which it is decided whether they are handed over; what was too old when a run came to it, as of a
-- history that was loaded, says nothing of that. A sender `none`: not handed over.
select
    workflow_id,
    extract(hour from "at")::bigint as hour,
    coalesce(sender, 'none') as sender,
    count(*)::bigint as n,
    count(*) filter (status not in ('pending', 'expired'))::bigint as settled
from messages
where "at"::date >= $since::date and "at"::date < $until::date
group by all

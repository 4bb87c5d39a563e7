-- One row per event of a bucket: when it acts, and whether; one that came too late only updates the profile.
create or replace temp view acting_events as
select
    bucket_events.* replace (
        greatest(ts, coalesce(previous, ts)) as "at",
        coalesce(previous - ts <= getvariable('explain_max_lateness'), true) as acts
    )
from bucket_events
left join late_events using (event_id)

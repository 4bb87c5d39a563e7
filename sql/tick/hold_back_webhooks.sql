-- One row per pending request that ticks $ticks, decided by older rules, bring when they are decided again: it isn't sent.
update webhooks
set status = 'expired', status_reason = 'older_rules'
where status = 'pending' and list_contains($ticks::bigint[], tick_id)

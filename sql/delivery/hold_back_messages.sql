-- One row per pending one of ticks $ticks, decided by older rules, when they are decided again: it isn't sent.
select message_id, 'expired' as status, 'older_rules' as status_reason, null::timestamptz as sent_at
from messages
where list_contains($ticks::bigint[], tick_id)

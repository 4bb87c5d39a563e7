-- One row per customer and schedule by a date attribute: the value it was armed for, and when it fires (null: it has).
select alarms.customer_id, watched_keys.key, alarms.value, alarms."at"
from internal.schedule_alarms as alarms
join watched_keys on watched_keys.number::varchar = alarms.key
where watched_keys.kind = 'alarm' and watched_keys.tracked

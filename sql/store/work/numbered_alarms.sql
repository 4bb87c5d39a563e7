-- One row per alarm, its schedule named by the number under which it is kept track of: a schedule that comes again has
-- another one, so that what an alarm was armed for then doesn't count.
create or replace temp view numbered_alarms as
select alarms.customer_id, watched_keys.number::varchar as key, alarms.value, alarms."at"
from schedule_alarms as alarms
join watched_keys on watched_keys.key = alarms.key
where watched_keys.kind = 'alarm' and watched_keys.tracked

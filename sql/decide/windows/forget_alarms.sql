-- Deletes the alarms of schedules that aren't among $keys.
delete from schedule_alarms
where not list_contains($keys::varchar[], key)

-- How long after an entry a version's goal is open, in seconds: 30 days unless its definition says otherwise.
create or replace macro goal_window(definition) as coalesce((definition::json ->> '$.goal.window')::double, 2592000)

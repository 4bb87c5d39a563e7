-- Whether a version has a goal that counts beyond the run: one that asks nothing of the execution (has_hits of
-- transforms/definitions/walk.py).
create or replace macro has_hits(definition) as
    (definition::json -> '$.goal') is not null
    and coalesce((definition::json -> '$.goal.conditions')::varchar, '') not like '%"attribute":"execution.%'

-- One row per event until the end; those before the start only update profiles.
select
    event_id,
    customer_id,
    ts,
    ts as "at",
    type,
    name,
    value,
    properties::varchar as properties,
    attributes::varchar as attributes,
    ts >= getvariable('backtest_start') as seen
from backtest_distinct
where ts <= getvariable('backtest_end')

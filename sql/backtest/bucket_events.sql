-- One row per event of a bucket that is read whole; those before the start only update profiles and windows.
create or replace temp view bucket_events as
select
    event_id,
    customer_id,
    ts,
    ts as "at",
    type,
    name,
    value,
    without_non_finite(properties) as properties,
    without_non_finite(attributes) as attributes,
    ts >= getvariable('backtest_start') as acts
from bucket_files

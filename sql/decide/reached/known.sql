-- One row per known customer, if a cron may let $everybody enter.
select customer_id from everybody.profiles where known and $everybody

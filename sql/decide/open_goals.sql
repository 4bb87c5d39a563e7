-- One row per customer who entered $versions after $since: whose goals are open perhaps.
select distinct customer_id
from (from everybody.running union all by name from everybody.ended)
where list_contains($versions::varchar[], version) and epoch_us(entered_at) > $since

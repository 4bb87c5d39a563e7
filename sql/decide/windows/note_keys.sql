-- Notes those of $keys of $kind that aren't kept track of yet, in their order; they get the next numbers.
insert into watched_keys (number, kind, key, tracked)
select
    (select count(*) from watched_keys) + row_number() over (order by wanted.key),
    $kind,
    wanted.value,
    1
from json_each($keys) as wanted
where wanted.value not in (select key from watched_keys where kind = $kind and tracked)
returning key

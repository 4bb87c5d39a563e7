-- One row per sum of $sums (lists of name and parts).
select sums.name, sums.parts, sums.n, sums.total, sums.first, sums.last
from json_each($sums) as asked
join sums
    on sums.name = json_extract(asked.value, '$[0]')
    and sums.parts = json_extract(asked.value, '$[1]')

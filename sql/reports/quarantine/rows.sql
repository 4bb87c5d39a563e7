-- One row per refused input row whose reason holds $text.
select file, line, reason, quarantined_at, row
from quarantine
where contains(lower(reason), lower($text))
order by batch_id, line

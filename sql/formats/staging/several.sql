-- One row per line of what is staged that may hold several values: it isn't JSON, and an object may end and another begin
-- on it. Within a string that means nothing.
select line
from query_table($staged)
where reason = 'not_json' and regexp_matches(row, '\}[ \t]*,?[ \t]*\{')

-- Stops keeping track of the keys of $kind that aren't among $keys.
update watched_keys
set tracked = 0
where tracked and kind = $kind and key not in (select value from json_each($keys))

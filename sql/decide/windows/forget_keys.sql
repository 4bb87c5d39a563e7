-- Stops keeping track of the keys of $kind that aren't among $keys.
update watched_keys
set tracked = false
where tracked and kind = $kind and not list_contains($keys::varchar[], key)

-- One row per customer of a file: known from now on; what the file leaves out stays as it was, and since when somebody is a
-- customer whom an event introduced.
merge into profiles
using batch on profiles.customer_id = batch.customer_id
when matched then update set
    created_at = case
        when profiles.known and not profiles.from_file then profiles.created_at
        else coalesce(batch.created_at, profiles.created_at)
    end,
    known = true,
    from_file = true
when not matched then insert (customer_id, created_at, known, from_file)
    values (batch.customer_id, batch.created_at, true, true)

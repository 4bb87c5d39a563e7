-- One row per customer of a file: known from now on; what the file leaves out stays as it was.
merge into profiles
using batch on profiles.customer_id = batch.customer_id
when matched then update set
    email = coalesce(batch.email, profiles.email),
    created_at = coalesce(batch.created_at, profiles.created_at),
    timezone = coalesce(batch.timezone, profiles.timezone),
    known = true
when not matched then insert (customer_id, email, created_at, timezone, known)
    values (batch.customer_id, batch.email, batch.created_at, batch.timezone, true)

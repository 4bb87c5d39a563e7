-- One row per customer of a store of version 1, which knew customers from files only.
select customer_id, created_at, known, known as from_file from old.profiles

-- One row per customer of a store of before, version 2.
select customer_id, created_at, known, from_file from old.profiles

-- One row per file of the inbox that was read, as it was then.
select kind, file, bytes, changed_ns from inbox_files

-- One row per file of the inbox that was read, as it was then.
select kind, file, bytes, changed_ns, content_hash from inbox_files

-- No rows: a file that was looked into, in place of what was noted of it before.
insert or replace into inbox_files (kind, file, bytes, changed_ns, content_hash) values (?, ?, ?, ?, ?)

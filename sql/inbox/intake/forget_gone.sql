-- No rows: files that lie in the inbox no more are forgotten, by kind and name; that customer files were is kept.
delete from inbox_files where kind = ?1 and file = ?2 and kind = 'events'

-- No rows: what was noted of a customer file is forgotten where its batch says it better.
delete from inbox_files where kind = 'customers' and file = ?

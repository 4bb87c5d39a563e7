-- No rows: files that lie in the inbox no more are forgotten, but that customer files were taken away is kept.
delete from inbox_files
where kind = 'events' and file in (select file from gone_files where kind = 'events');

update inbox_files
set content_hash = 'gone'
where kind = 'customers' and file in (select file from gone_files where kind = 'customers')

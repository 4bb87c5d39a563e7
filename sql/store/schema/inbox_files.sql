-- One row per inbox file that was looked into, as it was then, and the hash of its content ('gone' once it was taken away).
create table if not exists inbox_files (
    kind varchar not null,
    file varchar not null,
    bytes bigint not null,
    changed_ns bigint not null
);

alter table inbox_files add column if not exists content_hash varchar

-- One row per inbox file that was looked into, as it was then; its content is known from then on.
create table if not exists inbox_files (
    kind varchar not null,
    file varchar not null,
    bytes bigint not null,
    changed_ns bigint not null
);

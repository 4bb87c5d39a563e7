-- One row: the version of the tables, and a fingerprint of the SQL files the views were made from.
create table if not exists schema_version (
    version integer not null,
    fingerprint varchar
);

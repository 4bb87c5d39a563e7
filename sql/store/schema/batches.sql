-- One row per loaded file: what it held and where its events are archived.
create table if not exists batches (
    batch_id bigint not null,
    kind varchar not null,
    file varchar not null,
    content_hash varchar not null,
    shape varchar,
    rows bigint,
    duplicates bigint,
    quarantined bigint,
    loaded_at timestamptz,
    archive varchar,
    latest timestamptz,
    earliest timestamptz,
    text_columns varchar[],
    semantics bigint,
    anonymous bigint
);

alter table batches add column if not exists earliest timestamptz;

alter table batches add column if not exists text_columns varchar[];

alter table batches add column if not exists semantics bigint default 1;

alter table batches add column if not exists anonymous bigint

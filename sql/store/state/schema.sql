-- No rows: the tables of a new state file (SQLite). Instants are microseconds since 1970, lists JSON.
create table meta (name text primary key, value text) without rowid;

-- One row per customer: all that a tick reads and writes of them, as one JSON document. The key is the hash of the id.
create table customers (key integer primary key, customer_id text not null, doc text not null);

-- One row per execution in flight, by when it goes on, and per armed schedule (workflow_id '').
create table due (
    workflow_id text not null, at integer not null, key integer not null, primary key (workflow_id, at, key)
) without rowid;

-- One row per message or webhook request that was decided and not handed over.
create table pending (
    kind text not null, at integer not null, id text not null, key integer not null, tick_id integer not null,
    fields text not null, primary key (kind, at, id)
) without rowid;

-- One row per Parquet file that counts: it is true by being named here.
create table files (
    name text primary key, relation text not null, level integer not null, first integer not null,
    last integer not null, rows integer not null, bytes integer not null, checksum text not null
) without rowid;

-- One row per file of the ledger that others stand for, and since when.
create table replaced_files (name text not null, since integer not null);

-- One row per workflow and version with executions in flight.
create table in_flight (workflow_id text, version text, n integer, primary key (workflow_id, version)) without rowid;

create table paused (workflow_id text primary key) without rowid;

-- One row per reason not to write to a customer, and whom it concerns by address.
create table suppressions (
    key integer not null, customer_id text not null, reason text not null, at integer, source text, address text,
    mailbox text
);
create index suppressions_by_key on suppressions (key);
create index suppressions_by_mailbox on suppressions (mailbox);

-- One row per customer with suppressions: the address that the customer has now.
create table suppressed (key integer primary key, mailbox text);
create index suppressed_by_mailbox on suppressed (mailbox);

-- One row per customer with amounts that were made from history and aren't in the document yet.
create table history_amounts (
    hash integer not null, customer_id text not null, number integer not null, keys text not null, amounts text not null,
    primary key (hash, customer_id, number)
) without rowid;

create table ticks (
    tick_id integer primary key, previous integer, now integer not null, started_at integer, finished_at integer,
    events integer, facts integer, steps integer, executions integer, messages integer, webhooks integer, waves integer,
    basis text
);

create table tick_counts (tick_id integer not null, reason text not null, n integer);

-- One row per tick, workflow version and place in its file at which facts were refused first; up to the last compaction.
create table considered (
    tick_id integer not null, workflow_id text not null, version text not null, place text not null, condition text,
    facts integer not null
);

create table batches (
    batch_id integer primary key, kind text not null, file text not null, content_hash text not null, shape text,
    rows integer, duplicates integer, quarantined integer, loaded_at integer, archive text, latest integer,
    earliest integer, text_columns text, semantics integer, anonymous integer
);
create index batches_by_content on batches (kind, content_hash);
create index batches_by_latest on batches (latest, earliest, archive) where kind = 'events';
create index batches_of_customers on batches (file, batch_id) where kind = 'customers';
create index batches_with_texts on batches (batch_id) where text_columns <> '[]';
create index batches_of_older_rules on batches (batch_id) where kind = 'events' and semantics = 1;

create table inbox_files (
    kind text not null, file text not null, bytes integer not null, changed_ns integer not null, content_hash text,
    primary key (kind, file)
) without rowid;

create table watched_keys (number integer primary key, kind text not null, key text not null, tracked integer not null);

create table workflow_versions (
    workflow_id text not null, version text not null, number integer, definition text, workflow_name text,
    first_seen_at integer, watches integer, primary key (workflow_id, version)
) without rowid;

create table program_steps (
    workflow_id text not null, version text not null, branch text, step text not null, position integer,
    action_type text, label text
);

create table migrations (
    after_tick integer not null, number integer not null, at integer, workflow_id text not null, version text not null,
    executions integer
);

create table sums (
    name text not null, parts text not null, n integer not null, total text not null, first integer, last integer,
    primary key (name, parts)
) without rowid;

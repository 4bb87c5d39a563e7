"""The tables of the send ledger, and how those of an earlier version become today's."""

import sqlite3

VERSION = 4
_TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, sender TEXT NOT NULL, state TEXT NOT NULL, payload BLOB, at INTEGER,
    said BLOB, peer TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sends (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    note TEXT, status TEXT, detail TEXT, at INTEGER NOT NULL, recorded TEXT, provider_id TEXT, domain TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL, fence INTEGER NOT NULL DEFAULT 0, environment TEXT);
CREATE TABLE IF NOT EXISTS deferred (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, attempt INTEGER NOT NULL, detail TEXT, at INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (scope TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS templates (version TEXT PRIMARY KEY, source BLOB NOT NULL) WITHOUT ROWID;
"""
"""`at` and the like are microseconds since 1970.

    batches: one row per hand-over; `payload` its bytes until it is answered, `said` what its messages were made of,
        `peer` whom they went to.
    sends: one row per message or webhook request; `recorded` a JSON object of what it said, `domain` where it went.
    identity: one row; `fence` is the number of the run that may write, `environment` whose runs may.
    deferred: one row per thing that the other side put off, until when, and how often it was tried.
    holds: one row per workflow, message or `*` that isn't sent until it is released.
    templates: one row per version of a message's sources that something was made of.
"""
_SINCE = {
    "batches": {"at": "INTEGER", "said": "BLOB", "peer": "TEXT"},
    "sends": {"recorded": "TEXT", "provider_id": "TEXT", "domain": "TEXT"},
    "identity": {"fence": "INTEGER NOT NULL DEFAULT 0", "environment": "TEXT"},
}
"""Columns that tables of versions 2 and 3 lack."""
_BEFORE = "UPDATE identity SET environment = 'production' WHERE EXISTS (SELECT 1 FROM sends);"
"""What was handed over before environments were noted was so in production."""
_INDEXES = f"""
CREATE INDEX IF NOT EXISTS batches_open ON batches (kind) WHERE state <> 'answered';
CREATE INDEX IF NOT EXISTS sends_by_key ON sends (key);
CREATE INDEX IF NOT EXISTS sends_by_time ON sends (kind, at) WHERE status = 'sent';
CREATE INDEX IF NOT EXISTS sends_unknown ON sends (kind) WHERE status = 'unknown';
PRAGMA user_version = {VERSION};
"""


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to this one, in one transaction.

    Raises:
        sqlite3.Error: the file can't be read or written.
    """
    db.executescript(f"BEGIN IMMEDIATE; {_added(db)} {_TABLES} {_INDEXES} {_BEFORE} COMMIT;")


def _added(db: sqlite3.Connection) -> str:
    """Statements that add the columns which tables that are there lack."""
    return " ".join(
        f"ALTER TABLE {table} ADD COLUMN {name} {kind};"
        for table, columns in _SINCE.items()
        if (there := {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")})
        for name, kind in columns.items()
        if name not in there
    )

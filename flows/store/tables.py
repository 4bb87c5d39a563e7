"""The columns of the small tables that only the state file holds, as people see them; each name → Polars type."""

import polars as pl

from transforms.tables.frames import CONSIDERED, INSTANT, Schema

TICKS: Schema = {
    "tick_id": pl.Int64,
    **dict.fromkeys(("previous", "now", "started_at", "finished_at"), INSTANT),
    **dict.fromkeys(("events", "facts", "steps", "executions", "messages", "webhooks", "waves"), pl.Int64),
    "basis": pl.String,
}
BATCHES: Schema = {
    "batch_id": pl.Int64,
    **dict.fromkeys(("kind", "file", "content_hash", "shape"), pl.String),
    **dict.fromkeys(("rows", "duplicates", "quarantined"), pl.Int64),
    "loaded_at": INSTANT,
    "archive": pl.String,
    **dict.fromkeys(("latest", "earliest"), INSTANT),
    "text_columns": pl.List(pl.String),
    **dict.fromkeys(("semantics", "anonymous"), pl.Int64),
}
WATCHED_KEYS: Schema = {"number": pl.Int32, "kind": pl.String, "key": pl.String, "tracked": pl.Boolean}
PROGRAM_STEPS: Schema = {
    **dict.fromkeys(("workflow_id", "version", "branch", "step"), pl.String),
    "position": pl.Int32,
    **dict.fromkeys(("action_type", "label"), pl.String),
}
RECONSIDERATIONS: Schema = {
    **dict.fromkeys(("workflow_id", "version", "goal"), pl.String),
    "window_seconds": pl.Float64,
    **dict.fromkeys(("since", "until", "reconsidered_at"), INSTANT),
    **dict.fromkeys(("entries", "hits"), pl.Int64),
}
SMALL: dict[str, Schema] = {
    "ticks": TICKS,
    "tick_counts": {"tick_id": pl.Int64, "reason": pl.String, "n": pl.Int64},
    "considered": {"tick_id": pl.Int64, **CONSIDERED},
    "batches": BATCHES,
    "inbox_files": {
        **dict.fromkeys(("kind", "file"), pl.String),
        **dict.fromkeys(("bytes", "changed_ns"), pl.Int64),
        "content_hash": pl.String,
    },
    "watched_keys": WATCHED_KEYS,
    "workflow_versions": {
        **dict.fromkeys(("workflow_id", "version"), pl.String),
        "number": pl.Int32,
        **dict.fromkeys(("definition", "workflow_name"), pl.String),
        "first_seen_at": INSTANT,
        "watches": pl.Boolean,
    },
    "program_steps": PROGRAM_STEPS,
    "migrations": {
        "after_tick": pl.Int64,
        "number": pl.Int32,
        "at": INSTANT,
        **dict.fromkeys(("workflow_id", "version"), pl.String),
        "executions": pl.Int64,
    },
}
"""The tables of the state file that people see as they are."""

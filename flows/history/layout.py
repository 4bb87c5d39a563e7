"""What a prepared history is: a folder of Parquet files by key range, and `manifest.json`, which names them all."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl
from pydantic import BaseModel, ConfigDict

from flows.buckets.partition import KEYS
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, Schema

VERSION = 1
MANIFEST = "manifest.json"
Kind: TypeAlias = Literal["events", "customers"]
COLUMNS: dict[Kind, Schema] = {
    "events": {**CANONICAL_EVENTS, "updates": pl.Boolean, "known": pl.Boolean},
    "customers": CANONICAL_CUSTOMERS,
}
"""What the files have: of an event also whether it updates a profile or may make a customer known, and whether its
customer is known at its time."""
ORDER: dict[Kind, Sequence[str]] = {
    "events": ("updates", "type", "name", "customer_id", "ts", "event_id"),
    "customers": ("customer_id",),
}
"""How rows lie in a file: events of one name together, so that who asks for some names reads only their row groups; of
each name in the order of customers and time."""


class HistoryFile(BaseModel):
    """One Parquet file.

    Attributes:
        name: where it lies in the folder.
        kind: what it holds.
        rows: how many.
        bytes: how large it is.
        first_key: the first key of its range (`flows.buckets.partition.keys_of`).
        after_key: the first key after its range.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Kind
    rows: int
    bytes: int
    first_key: int
    after_key: int

    def lies_in(self, keys: range) -> bool:
        """Whether it may hold rows of these keys."""
        return self.first_key < keys.stop and keys.start < self.after_key


class Manifest(BaseModel):
    """What a history holds.

    Attributes:
        onward_history: the version of its layout.
        ranges: how many equal key ranges its files are cut by: a power of two.
        events: how many.
        customers: how many rows of customers.
        quarantined: rows of the source files that were bad; they lie in `quarantine.parquet`.
        duplicates: rows of the source files that were left out, because their key came twice.
        first: the instant of the first event; None: there is none.
        last: that of the last one.
        files: all of them, in the order of keys.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    onward_history: int = VERSION
    ranges: int
    events: int
    customers: int
    quarantined: int
    duplicates: int
    first: datetime | None
    last: datetime | None
    files: list[HistoryFile]


def file_name(kind: Kind, number: int) -> str:
    """The name of the file of the range `number`."""
    return f"{kind}-{number:05d}.parquet"


ALL_KEYS = range(KEYS)


def quarantine_of(folder: Path) -> Path:
    """Where a history's bad rows lie."""
    return folder / "quarantine.parquet"

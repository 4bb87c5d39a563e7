"""Where one customer's rows lie, and by whose clock the customer lives."""

import json
from dataclasses import dataclass

import polars as pl

from flows.settings import Settings
from flows.store.documents import unpack
from flows.store.opening import ask_state
from flows.store.placing import keys_of, place
from transforms.timing.zones import zone_name


@dataclass(frozen=True)
class Place:
    """Where a customer's rows lie.

    Attributes:
        key: of current rows (`customer_key`).
        timezone: the customer's own zone as of the last run (IANA); None: the customer has none that is known.
    """

    key: int
    timezone: str | None = None


def place_of(settings: Settings, customer: str) -> Place:
    """Look a customer up in the state file, which nobody reads through for that."""
    asked = pl.Series("customer_id", [customer])
    found = ask_state(settings, lambda state: place(state, asked))
    if found is None:
        return Place(keys_of(asked)[0])
    return Place(found["key"][0], _timezone(found.select("customer_id", "doc").drop_nulls()))


def _timezone(documents: pl.DataFrame) -> str | None:
    if documents.is_empty():
        return None
    told = unpack(documents)["attributes"].filter(attribute="timezone")["value"].drop_nulls()
    value = json.loads(told[0]) if len(told) else None
    return zone_name(value) if isinstance(value, str) else None

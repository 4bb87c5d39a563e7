"""What pending messages' customers say of being written to, as dispatch asks it and as people are told of it."""

import json

import polars as pl
from duckdb import DuckDBPyConnection

from flows.warehouse import read_sql, shown
from transforms.people.consent import FIELDS, read_consent, unknown_spelling


def consent_values(con: DuckDBPyConnection) -> pl.DataFrame:
    """What the values that customers of pending messages have for consent say, as `read_consent` tells."""
    return read_consent(read_sql(con, "delivery/consent_values.sql", fields=list(FIELDS))["value"])


def unknown_spellings(con: DuckDBPyConnection, values: pl.DataFrame) -> list[str]:
    """A sentence for each spelling of consent that holds nobody back because nobody knows it.

    Args:
        con: the store, before its pending messages are handed over.
        values: from `consent_values`.
    """
    with shown(con, consent_values=values):
        found = read_sql(con, "delivery/unknown_consent.sql", fields=list(FIELDS))
    return [unknown_spelling(name, json.loads(value), n) for name, value, n in found.iter_rows()]

"""What texts of profiles mean, each distinct one read once: for the query of what is due, and for people."""

from collections.abc import Generator
from contextlib import contextmanager

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.work import make_tables
from flows.warehouse import append, connect, read_sql, shown
from transforms.people.addresses import ODD, address_keys
from transforms.people.consent import FIELDS, UNKNOWN, read_consent
from transforms.people.spellings import told


@contextmanager
def read_profiles(con: DuckDBPyConnection) -> Generator[None]:
    """Let queries of the block read `consent_values` and `address_keys` of whom pending messages concern."""
    values = read_consent(read_sql(con, "delivery/consent_values.sql", fields=list(FIELDS))["value"])
    odd = read_sql(con, "delivery/odd_addresses.sql", odd=ODD)["address"]
    with shown(con, consent_values=values, address_keys=address_keys(odd)):
        yield


def held_back(messages: pl.DataFrame, attributes: pl.DataFrame, suppressions: pl.DataFrame) -> dict[str, str]:
    """Which messages dispatch would hold back, each with the reason, without a state.

    Args:
        messages: accepted ones, with the columns that decisions have.
        attributes: `frames.ATTRIBUTES` of their customers at that time.
        suppressions: those known by then.
    """
    with connect(threads=1) as con:
        make_tables(con)
        append(con, "messages", messages.with_columns(status=pl.lit("pending")))
        append(con, "attributes", attributes)
        append(con, "suppressions", suppressions)
        with read_profiles(con):
            due = read_sql(con, "delivery/messages.sql", most=len(messages))
    return dict(due.filter(pl.col("suppressed").is_not_null()).select("message_id", "suppressed").iter_rows())


def unknown_spellings(con: DuckDBPyConnection) -> list[str]:
    """A sentence for each spelling of consent that holds nobody back because nobody knows it.

    Args:
        con: the store within `read_profiles`, before its pending messages are handed over.
    """
    found = read_sql(con, "delivery/unknown_consent.sql", fields=list(FIELDS)).rows()
    counts = {field: {value: n for name, value, n in found if name == field} for field in FIELDS}
    return [one for field in FIELDS for one in told(field, counts[field], UNKNOWN)]

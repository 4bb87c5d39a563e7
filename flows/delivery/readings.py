"""What texts of profiles mean, each distinct one read once: for the query of what is due, and for people."""

from collections.abc import Generator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection

from flows.warehouse import read_sql, shown
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


def unknown_spellings(con: DuckDBPyConnection) -> list[str]:
    """A sentence for each spelling of consent that holds nobody back because nobody knows it.

    Args:
        con: the store within `read_profiles`, before its pending messages are handed over.
    """
    found = read_sql(con, "delivery/unknown_consent.sql", fields=list(FIELDS)).rows()
    counts = {field: {value: n for name, value, n in found if name == field} for field in FIELDS}
    return [one for field in FIELDS for one in told(field, counts[field], UNKNOWN)]

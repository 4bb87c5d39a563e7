"""Customers whose time zone nobody knows, so that the default counts for them: told, because it is silent otherwise."""

import json
from collections import Counter
from collections.abc import Mapping

import polars as pl

from transforms.people.spellings import told
from transforms.program.model import ZONE, Program
from transforms.timing.zones import zone_name


def unknown_zones(program: Program, customers: pl.DataFrame, attributes: pl.DataFrame) -> Counter[str]:
    """How many customers have each value that should be a zone and is none, as JSON text; nothing if no rule asks.

    Args:
        program: what is decided by.
        customers: `state.CUSTOMERS`, of whom a tick looks at.
        attributes: their `customer_id, attribute, value` (JSON text), as they are in the end.
    """
    if program.zone_column < 0:
        return Counter()
    spelled = {one: json.dumps(one) for one in customers["timezone"].drop_nulls().unique()}
    of_files = customers.select(
        "customer_id", value=pl.col("timezone").replace_strict(spelled, default=None, return_dtype=pl.String)
    )
    of_events = attributes.filter(pl.col("attribute") == ZONE).select("customer_id", "value")
    each = pl.concat([of_files, of_events]).unique().drop_nulls("value")["value"]
    return Counter({value: n for value, n in each.value_counts().iter_rows() if not _is_known(value)})


def zone_warnings(counts: Mapping[str, int], default: str) -> list[str]:
    """A sentence for each value that is no zone."""
    return told(
        ZONE,
        counts,
        f"is no time zone that is known; {default} counts instead. Write a name like Europe/Berlin",
    )


def _is_known(value: str) -> bool:
    """Whether the JSON text is a zone, or says nothing."""
    given = json.loads(value)
    return given is None or (isinstance(given, str) and (not given.strip() or zone_name(given) is not None))

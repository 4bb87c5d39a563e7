"""Customers whose time zone nobody knows, so that the default counts for them: told, because it is silent otherwise."""

import json
from collections import Counter
from collections.abc import Mapping

import polars as pl

from transforms.people.spellings import told
from transforms.program.model import ZONE, Program
from transforms.timing.zones import zone_name


def unknown_zones(program: Program, attributes: pl.DataFrame) -> Counter[str]:
    """How many customers have each value that should be a zone and is none, as JSON text; nothing if no rule asks.

    Args:
        program: what is decided by.
        attributes: of the customers whom a tick looks at, as they are in the end: `customer_id, attribute, value`
            (JSON text).
    """
    if program.zone_column < 0:
        return Counter()
    each = attributes.filter(pl.col("attribute") == ZONE)["value"].drop_nulls()
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

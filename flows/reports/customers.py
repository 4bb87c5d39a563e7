"""Customers by what holds of them, in the conditions of workflow files, decided by the same code as personalization."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.store import STATE_FILE
from flows.warehouse import read_sql
from transforms.definitions.base import advice, nearest
from transforms.definitions.conditions import Condition
from transforms.definitions.where import FIELDS
from transforms.delivery.conditions import values_of

_FEW = 30
"""So many names are told, of more the nearest."""


@dataclass(frozen=True)
class Found:
    """The customers of whom all conditions hold.

    Attributes:
        count: how many they are.
        rows: the first of them by id: customer_id, email, created_at, timezone, tags, attributes (JSON).
    """

    count: int
    rows: pl.DataFrame


def find_customers(
    settings: Settings, conditions: Sequence[Condition], now: datetime, limit: int
) -> Found | None:
    """Known customers of whom all conditions hold, as they are now; `within_last` is of `now`.

    Args:
        settings: where things lie.
        conditions: of attributes, tags and fields (`transforms.definitions.where`).
        now: the present.
        limit: how many rows of them to read.

    Returns:
        None: there is no store yet.

    Raises:
        InputError: a condition asks for an attribute that no customer has.
        OnwardError: the store can't be used.
    """
    if not (settings.state / STATE_FILE).exists():
        return None
    with open_reports(settings) as con:
        _check_names(con, conditions)
        ids = _ids(con, conditions, now)
        chosen = read_sql(con, "reports/customers/chosen.sql", ids=ids.head(limit).to_list())
    return Found(len(ids), chosen)


def _ids(con: DuckDBPyConnection, conditions: Sequence[Condition], now: datetime) -> pl.Series:
    asked = [one.attribute for one in conditions]
    names = sorted({*asked, *(one.partition(".")[0] for one in asked)})
    people = read_sql(con, "reports/customers/asked.sql", names=names, with_tags="tags" in asked, now=now)
    return people.filter(pl.Series(values_of(conditions, people).all_hold(conditions)))["customer_id"]


def _check_names(con: DuckDBPyConnection, conditions: Sequence[Condition]) -> None:
    """Refuse names that nobody has, which are rather misspelt than meant."""
    there = set(read_sql(con, "reports/customers/attribute_names.sql")["attribute"])
    for one in conditions:
        name = one.attribute
        if name not in FIELDS and name not in there and name.partition(".")[0] not in there:
            raise InputError(
                f"no customer has an attribute {name!r}; {_advice(name, sorted({*FIELDS, *there}))}"
            )


def _advice(name: str, allowed: list[str]) -> str:
    if len(allowed) <= _FEW:
        return advice(name, allowed)
    near = nearest(name, allowed)
    return f"there are {len(allowed):,} others" + (f"; did you mean {near!r}?" if near else "")


def found_json(found: Found) -> dict[str, Any]:
    """It as JSON values; `attributes` an object."""
    rows = [
        {
            **one,
            "created_at": one["created_at"] and one["created_at"].isoformat(),
            "attributes": json.loads(one["attributes"]),
        }
        for one in found.rows.to_dicts()
    ]
    return {"count": found.count, "customers": rows}


def shown_cells(found: Found, conditions: Sequence[Condition]) -> list[dict[str, str]]:
    """Each row as cells: id, e-mail, and what was asked for."""
    asked = [one.attribute for one in conditions if one.attribute not in ("customer_id", "email")]
    return [
        {
            "customer": row["customer_id"],
            "email": row["email"] or "",
            **{name: _cell(row, name) for name in dict.fromkeys(asked)},
        }
        for row in found_json(found)["customers"]
    ]


def _cell(row: dict[str, Any], name: str) -> str:
    value = (
        row[name]
        if name in FIELDS
        else row["attributes"].get(name, row["attributes"].get(name.partition(".")[0]))
    )
    if isinstance(value, list) and name == "tags":
        return ", ".join(value)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Input rows that were refused: by reason, or each."""

from typing import Any

import polars as pl

from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.store import STATE_FILE
from flows.warehouse import read_sql

_FIRST = {"file": "file", "line": "line", "reason": "first_reason", "row": "row"}


def refused_by_reason(settings: Settings, text: str = "") -> pl.DataFrame | None:
    """Refused rows by reason, the most frequent first.

    Args:
        settings: where things lie.
        text: only reasons that hold it, in upper or lower case.

    Returns:
        reason (its kind), rows; file, line, first_reason (all of it) and row, as given, of the first one; first_at,
        last_at. None: there is no store yet.

    Raises:
        OnwardError: the store can't be used.
    """
    return _read(settings, "reports/quarantine/by_reason.sql", text)


def refused_rows(settings: Settings, text: str = "") -> pl.DataFrame | None:
    """Each refused row: file, line, reason, quarantined_at, row; otherwise as `refused_by_reason`."""
    return _read(settings, "reports/quarantine/rows.sql", text)


def refused_json(found: pl.DataFrame) -> list[dict[str, Any]]:
    """What `refused_by_reason` returns as JSON values."""
    return [
        {
            "reason": one["reason"],
            "rows": one["rows"],
            "first": {name: one[column] for name, column in _FIRST.items()},
            "first_at": one["first_at"].isoformat(),
            "last_at": one["last_at"].isoformat(),
        }
        for one in found.to_dicts()
    ]


def _read(settings: Settings, name: str, text: str) -> pl.DataFrame | None:
    if not (settings.state / STATE_FILE).exists():
        return None
    with open_reports(settings) as con:
        return read_sql(con, name, text=text)

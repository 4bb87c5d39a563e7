"""Reports for programs: as one JSON object, as CSV."""

import json
from collections.abc import Mapping

import polars as pl


def json_of(frames: Mapping[str, pl.DataFrame]) -> str:
    """One object: the name of a view → the list of its rows; days and instants as ISO 8601, UTC, microseconds."""
    return json.dumps({name: _told(rows).to_dicts() for name, rows in frames.items()}, ensure_ascii=False)


def csv_of(rows: pl.DataFrame) -> str:
    """One view with its heading; instants as in JSON, what is null empty."""
    return _told(rows).write_csv()


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    utc = pl.selectors.datetime(time_zone="*").dt.convert_time_zone("UTC")
    return rows.with_columns(utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"), pl.selectors.date().cast(pl.String))

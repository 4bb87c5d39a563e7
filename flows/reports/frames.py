"""The report views as frames, from the store or the published copy."""

from collections.abc import Generator
from contextlib import closing, contextmanager

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.lock import RunInProgressError
from flows.store.publish import publish
from flows.store.state_file import STATE_FILE, open_store, report_views
from flows.warehouse import connect, frame


def report_frames(con: DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Every `report_*` view as a frame, by its name; `con` is a store's or a published copy's connection."""
    return {name: frame(con, f"from {name}") for name in report_views()}


@contextmanager
def open_reports(settings: Settings) -> Generator[DuckDBPyConnection]:
    """The tables to report from: the store's, published anew; while a run holds it, the published copy.

    Raises:
        OnwardError: the store can't be used.
    """
    published = settings.published / STATE_FILE
    try:
        with open_store(settings) as store:
            publish(store)
            yield store.con
    except RunInProgressError:
        if not published.exists():
            raise
        with closing(connect(published, read_only=True)) as con:
            yield con

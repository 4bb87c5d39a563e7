"""The report views as frames, from what is published."""

from collections.abc import Generator
from contextlib import closing, contextmanager

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.lock import RunInProgressError
from flows.store.opening import open_store
from flows.store.publish import publish, published_file, report_views
from flows.warehouse import connect, frame


def report_frames(con: DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Every `report_*` view as a frame, by its name; `con` is a connection to what is published."""
    return {name: frame(con, f"from {name}") for name in report_views()}


@contextmanager
def open_reports(settings: Settings) -> Generator[DuckDBPyConnection]:
    """The tables to report from, published anew; while a run holds the store, as it was published last.

    Raises:
        OnwardError: the store can't be used.
    """
    published = published_file(settings)
    try:
        with open_store(settings) as store:
            publish(store)
    except RunInProgressError:
        if not published.exists():
            raise
    with closing(connect(published, read_only=True)) as con:
        yield con

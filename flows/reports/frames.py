"""The report views as frames, from what is published."""

import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.settings import Settings, read_settings
from flows.store.lock import RunInProgressError
from flows.store.opening import open_store
from flows.store.publish import publish, published_file, report_views
from flows.warehouse import connect, frame

Place: TypeAlias = Settings | str | Path | None
"""Where things lie: settings, a file of settings, the folder of a project; None: as `onward.toml` here says."""


def report_frames(con: DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Every `report_*` view as a frame, by its name; `con` is a connection to what is published."""
    return {name: frame(con, f"from {name}") for name in report_views()}


@contextmanager
def open_reports(settings: Place = None) -> Generator[DuckDBPyConnection]:
    """The tables to report from, published anew; while a run holds the store, as it was published last.

    Always the newest, also where this process has an older one open: DuckDB hands an open file out again, whatever lies
    under its name now, so a copy is opened; it is small.

    Args:
        settings: where things lie, as settings, a file of settings or the folder with an `onward.toml`; None: as
            `onward.toml` and the environment say.

    Raises:
        InputError: there is no such folder or file, or a setting isn't allowed.
        OnwardError: the store can't be used.
    """
    places = settings if isinstance(settings, Settings) else read_settings(_file_of(settings))
    published = published_file(places)
    try:
        with open_store(places, passing=True) as store:
            publish(store)
    except RunInProgressError:
        if not published.exists():
            raise
    with TemporaryDirectory(prefix="onward-reports-") as folder:
        newest = shutil.copy(published, folder)
        with closing(connect(Path(newest), read_only=True)) as con:
            yield con


def _file_of(place: str | Path | None) -> Path | None:
    """The file of settings."""
    if place is None:
        return None
    file = Path(place) / "onward.toml" if Path(place).is_dir() else Path(place)
    if not file.is_file():
        raise InputError(f"{file}: no such file; give the folder of a project, the one with its onward.toml")
    return file

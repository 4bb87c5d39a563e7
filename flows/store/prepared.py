"""The archive's events laid out by key (`flows/history`): which layout counts, and what came since."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import InputError
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.state_file import StateFile
from flows.store.store import Store

if TYPE_CHECKING:
    from flows.history.reading import History

_COVERED = "history"
"""The number of the last batch whose events the layout has, as the state file notes it."""


@dataclass(frozen=True)
class Prepared:
    """The archive laid out by key.

    Attributes:
        history: what it holds.
        covered: the number of the last batch whose rows it has.
    """

    history: "History"
    covered: int

    def files(self, keys: range | None) -> list[Path]:
        """Those of events that may hold rows of these keys; None: all of them."""
        return self.history.files("events") if keys is None else self.history.files("events", keys)


def layout_folder(settings: Settings, covered: int) -> Path:
    """Where the layout of all batches up to a number lies."""
    return archive_folder(settings) / "history" / f"{covered:08d}"


def prepared_archive(settings: Settings, state: StateFile) -> Prepared | None:
    """The layout that counts; None if the archive was never laid out, or the layout is gone or damaged."""
    covered = state.value(_COVERED)
    if covered is None:
        return None
    # A run without one shall not pay for importing it.
    from flows.history.reading import History

    try:
        return Prepared(History.open(layout_folder(settings, int(covered))), int(covered))
    except InputError:
        return None


def archived_events(store: Store, without: Sequence[str] = ()) -> list[Path]:
    """The files with all events: an empty one that has their columns, the layout, and batches that came since.

    Args:
        store: whose archive it is.
        without: the archived files of batches to leave out, which came since.
    """
    return [one for one in event_files(store.settings, store.state) if one.name not in without]


def event_files(settings: Settings, state: StateFile, keys: range | None = None) -> list[Path]:
    """The same of a store that may be open elsewhere; of the layout only files that may hold rows of `keys`."""
    found = prepared_archive(settings, state)
    folder = archive_folder(settings).absolute() / "events"
    since = (
        "select distinct archive from batches where kind = 'events' and batch_id > $covered order by archive"
    )
    later = state.query(since, covered=found.covered if found else 0)
    laid_out = [one.absolute() for one in found.files(keys)] if found else []
    return [folder / "_columns.parquet", *laid_out, *(folder / one for (one,) in later)]


def count_on(state: StateFile, covered: int) -> None:
    """Let the layout of all batches up to a number count, inside the caller's transaction."""
    state.note(_COVERED, covered)
    state.note("commit", state.commit + 1)

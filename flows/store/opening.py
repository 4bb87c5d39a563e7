"""The store opened: for one run at a time, brought over from an earlier version, or made anew in its place."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from flows.errors import InputError
from flows.files import printable, put_in_place, rename_free
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.backfill import fill_sums
from flows.store.carry_over import OLD_FILE, carry_over
from flows.store.ledger import GENERATION, ledger_folder
from flows.store.lock import run_lock
from flows.store.state_file import StateError, StateFile
from flows.store.store import STATE_FILE, Store, opened

LOCK_FILE = "onward.lock"
Answer = TypeVar("Answer")


@contextmanager
def open_store(
    settings: Settings, say: Say = silent, clock: Clock = wall_clock, *, passing: bool = False
) -> Generator[Store]:
    """Open the store for one run, creating it when absent.

    Arguments are those of the session; and whether it is held in passing (`run_lock`).

    Raises:
        RunInProgressError: another run holds it.
        OnwardError: the state file is another program's or a newer version's, or damaged.
    """
    with hold_store(settings, passing=passing):
        told = _carried_over(settings, say, clock)
        with opened(settings.state / STATE_FILE, settings, say, clock) as store:
            store.warnings.extend(told)
            fill_sums(store)
            yield store


@contextmanager
def hold_store(settings: Settings, *, passing: bool = False) -> Generator[None]:
    """Keep other runs out, whether or not the state file can be opened; if only in `passing`, they wait.

    Raises:
        InputError: no state file can lie there.
        RunInProgressError: another run holds the store.
    """
    _check_place(settings)
    with run_lock(settings.state / LOCK_FILE, passing=passing):
        yield


@contextmanager
def rebuild_store(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """A new, empty store that takes the place of the state file when the block ends without an error.

    The state file is not needed, and read by nobody but `ask_state`; it is kept beside the new one, under
    `….replaced-<n>`, and so is its part of the ledger. Arguments are those of the session. Whoever calls this holds
    the store (`hold_store`).
    """
    path = settings.state / STATE_FILE
    draft = settings.state / "rebuild" / STATE_FILE
    _forget(settings, draft)
    try:
        with opened(draft, settings, say, clock) as store, _ledger_kept(store):
            fill_sums(store)
            yield store
        replace_state(path, draft, "replaced")
    finally:
        shutil.rmtree(draft.parent, ignore_errors=True)


def _forget(settings: Settings, draft: Path) -> None:
    """Remove what a killed rebuild left: its draft, and its part of the ledger."""
    if draft.exists():
        with suppress(StateError), StateFile(draft) as state:
            if generation := state.value(GENERATION):
                shutil.rmtree(ledger_folder(settings) / generation, ignore_errors=True)
    shutil.rmtree(draft.parent, ignore_errors=True)


@contextmanager
def _ledger_kept(store: Store) -> Generator[None]:
    """Remove the store's part of the ledger if the block fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(store.ledger.root / store.ledger.generation, ignore_errors=True)
        raise


def replace_state(path: Path, draft: Path, why: str) -> None:
    """Put a new state file, which is closed, in the place of `path`, which is kept under `….<why>-<number>`."""
    for file in (path, *(path.with_name(path.name + log) for log in ("-wal", "-shm"))):
        if file.exists():
            rename_free(file, why)
    put_in_place(draft, path)


def ask_state(settings: Settings, question: Callable[[StateFile], Answer]) -> Answer | None:
    """What a question finds in the state file, which no run has open; nothing is changed.

    Returns:
        The answer; None if there is no file that can be read.
    """
    path = settings.state / STATE_FILE
    if path.exists():
        with suppress(StateError), StateFile(path, read_only=True) as state:
            return question(state)
    return None


def _carried_over(settings: Settings, say: Say, clock: Clock) -> list[str]:
    """Carry a state file of an earlier version over, if there is one and none of this version; what to know of it."""
    old = settings.state / OLD_FILE
    if not old.exists():
        return []
    told = []
    if not (settings.state / STATE_FILE).exists():
        with rebuild_store(settings, say, clock) as store:
            told = carry_over(settings, store)
    rename_free(old, "carried-over")
    return told


def _check_place(settings: Settings) -> None:
    """Refuse folders that DuckDB can't keep a database in, before anything is written there.

    Raises:
        InputError: naming what of the name is to blame.
    """
    place = str(settings.data_dir.absolute())
    signs = [f"'{sign}'" for sign in ("?", "\\") if sign in place]
    if printable(place) != place:
        signs.append("bytes that aren't UTF-8")
    if signs:
        raise InputError(
            f"{printable(place)}: has {' and '.join(signs)} in its name, where no state file can lie; rename the "
            "folder, or point data_dir elsewhere"
        )

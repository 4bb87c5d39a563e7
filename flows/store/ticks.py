"""How far the store has come: its last tick."""

from datetime import datetime

from flows.store.state_file import StateFile
from flows.store.tables import TICKS
from transforms.tables.frames import chosen


def last_tick(state: StateFile) -> tuple[int, datetime | None]:
    """The last tick's number and end; (0, None) before the first.

    Raises:
        StateError: the state file can't be read.
    """
    last = state.frame(
        "select tick_id, now from ticks order by tick_id desc limit 1", chosen(TICKS, "tick_id", "now")
    )
    return last.row(0) if len(last) else (0, None)

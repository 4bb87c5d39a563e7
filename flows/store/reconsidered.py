"""Goal hits counted by another goal than that of their time, beside those that ticks found: what is kept of them.

Of each reconsidered workflow the state file notes one row, and the ledger has one file of hits, which replaces that of
before. Compaction leaves these files alone, since each goes as a whole.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from flows.store.ledger import RECONSIDERED, LedgerFile, name_files, named_files, replace_files
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import RECONSIDERATIONS
from flows.warehouse import shown
from transforms.tables.frames import INSTANT
from transforms.timing.durations import epoch_us

_NOTED = "reconsidered_goals"
"""Under which name the state file notes the rows."""


@dataclass(frozen=True)
class Reconsideration:
    """A workflow whose goal was reconsidered.

    Attributes:
        version: the version whose goal that is: a hash.
        goal: JSON.
        window_seconds: how long after an entry it is open.
        since: the first entries that were looked at; None: from the first on.
        until: the end of the last tick then; what came later isn't counted.
        reconsidered_at: by the wall clock.
        entries: how many were looked at.
        hits: how many they have.
        file: of the ledger; None: there are no hits.
    """

    workflow_id: str
    version: str
    goal: str
    window_seconds: float
    since: datetime | None
    until: datetime
    reconsidered_at: datetime
    entries: int
    hits: int
    file: str | None = None


def reconsiderations(state: StateFile) -> pl.DataFrame:
    """One row per workflow whose goal was reconsidered: `tables.RECONSIDERATIONS`."""
    stored = {name: pl.Int64 if kind == INSTANT else kind for name, kind in RECONSIDERATIONS.items()}
    rows = [tuple(one[name] for name in stored) for one in _noted(state).values()]
    told = pl.DataFrame(rows, schema=stored, orient="row")
    return told.select(pl.col(name).cast(kind) for name, kind in RECONSIDERATIONS.items()).sort("workflow_id")


def keep_reconsidered(store: Store, found: Reconsideration, hits: pl.DataFrame) -> None:
    """Let hits stand beside those that ticks found, in place of what was there of the workflow: whole, or not at all.

    Args:
        store: open, outside a transaction.
        found: what they are; its `file` is named here.
        hits: the columns of `sql/store/schema/goal_hits_reconsidered.sql`.

    Raises:
        OnwardError: the ledger or the state file can't be written; nothing has changed.
    """

    def written(number: int) -> list[LedgerFile]:
        with shown(store.con, reconsidered_hits=hits):
            return store.ledger.write(store.con, RECONSIDERED, "from reconsidered_hits", (number, number))

    _replace(store, found.workflow_id, found, written)


def drop_reconsidered(store: Store, workflow_id: str) -> bool:
    """Take back what was reconsidered of a workflow; whether there was anything."""
    if workflow_id not in _noted(store.state):
        return False
    _replace(store, workflow_id, None, lambda _number: [])
    return True


def _replace(
    store: Store,
    workflow_id: str,
    found: Reconsideration | None,
    written: Callable[[int], list[LedgerFile]],
) -> None:
    state = store.state
    with state.transaction():
        number, noted = state.commit + 1, _noted(state)
        before = noted.pop(workflow_id, {}).get("file")
        files = written(number)
        replace_files(state, [one.name for one in named_files(state) if one.name == before], store.clock())
        name_files(state, files)
        if found:
            noted[workflow_id] = _row(replace(found, file=files[0].name if files else None))
        state.note(_NOTED, json.dumps(noted))
        state.note("commit", number)


def _noted(state: StateFile) -> dict[str, dict[str, Any]]:
    """The rows, by workflow; instants in microseconds."""
    return dict(json.loads(state.value(_NOTED) or "{}"))


def _row(found: Reconsideration) -> dict[str, Any]:
    told = asdict(found)
    return {name: epoch_us(one) if isinstance(one, datetime) else one for name, one in told.items()}

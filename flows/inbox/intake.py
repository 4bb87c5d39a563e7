"""New files of the inbox → archived batches: new contents once, bad rows and bad files set apart, in portions.

A batch first becomes Parquet in the archive (`take_in`), which a killed run leaves behind for the next one, then
part of the state (`flows/inbox/admission.py`); replaying the archive repeats only the second step.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from flows.inbox.arrivals import Arrivals, WaitingFile, look_in, note_files
from flows.inbox.kept import kept_batches
from flows.session import Session
from flows.store.archive import Batch
from flows.warehouse import run_sql


@dataclass
class TakenIn:
    """What a tick takes in: archived batches, which aren't part of the state yet, and what else lay in the inbox.

    Attributes:
        arrivals: the inbox as it was found.
        looked_into: the files that need not be looked into again, with the hashes of their contents.
        refused: a sentence for each file that can't be loaded.
        notes: what people should know of how files were read.
    """

    arrivals: Arrivals
    batches: list[Batch] = field(default_factory=list)
    looked_into: list[tuple[WaitingFile, str | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, con: DuckDBPyConnection) -> None:
        """Remember which files were looked into, inside the transaction that makes the batches part of the state."""
        note_files(con, self.looked_into, self.arrivals.gone)


def take_in(session: Session, now: datetime) -> TakenIn:
    """Archive every new content of the inbox; the state stays as it is. A file that can't be loaded is set aside.

    Raises:
        OnwardError: the disk or the store can't go on; no file is to blame.
        OSError: likewise.
    """
    run_sql(session.con, "inbox/intake/nothing_archived.sql")
    taken = TakenIn(look_in(session.con, session.settings))
    kept = kept_batches(session)
    if not taken.arrivals.waiting and not kept:
        return taken
    # An idle run shall not pay for importing pyarrow.
    from flows.inbox.portions import Portions

    run_sql(session.con, "inbox/intake/older_ids.sql")
    Portions(session, taken, [replace(one, loaded_at=now) for one in kept], now).take(taken.arrivals.waiting)
    return taken

"""New files of the inbox → archived batches: new contents once, bad rows and bad files set apart, in portions.

A batch first becomes Parquet in the archive (`take_in`), which a killed run leaves behind for the next one, then
part of the state (`flows/inbox/admission.py`); replaying the archive repeats only the second step.
"""

from dataclasses import replace
from datetime import datetime

from flows.inbox.admission import nothing_archived
from flows.inbox.arrivals import look_in
from flows.inbox.kept import kept_batches
from flows.inbox.taken import TakenIn
from flows.store.store import Store
from flows.warehouse import assign


def take_in(store: Store, now: datetime) -> TakenIn:
    """Archive every new content of the inbox; the state stays as it is. A file that can't be loaded is set aside.

    Raises:
        OnwardError: the disk or the store can't go on; no file is to blame.
        OSError: likewise.
    """
    nothing_archived(store.state)
    taken = TakenIn(look_in(store.state, store.settings))
    kept = kept_batches(store)
    if not taken.arrivals.waiting and not kept:
        return taken
    # An idle run shall not pay for importing pyarrow.
    from flows.inbox.portions import Portions

    assign(store.con, "boolean", older_ids=bool(store.state.rows("inbox/intake/older_ids.sql")))
    Portions(store, taken, [replace(one, loaded_at=now) for one in kept], now).take(taken.arrivals.waiting)
    return taken
